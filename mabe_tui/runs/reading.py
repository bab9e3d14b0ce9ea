"""Reading what a run said without parsing every sign of life."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from core.events import AnyEvent, decode
from core.history import History, fold
from core.rundir import RunDir

STEP = b'{"kind":"step"'
SYSTEM = b'{"kind":"system"'


def thin(lines: Iterable[bytes]) -> Iterator[AnyEvent]:
    """Give the events of one attempt; of each unbroken row of signs of life, only the last ones.

    A long run says ``step`` and ``system`` once a second: thousands of lines, of which a summary needs
    the last of each. The fold over what is left gives the same summary (and is tested to).
    """
    heartbeat: dict[bytes, bytes] = {}
    for line in lines:
        kind = STEP if line.startswith(STEP) else SYSTEM if line.startswith(SYSTEM) else None
        if kind is not None:
            heartbeat[kind] = line
            continue
        yield from _decoded(heartbeat.values())
        heartbeat.clear()
        yield from _decoded([line])
    yield from _decoded(heartbeat.values())


def thin_history(run: RunDir) -> History:
    """Fold the events of all attempts, without most of the signs of life; names damaged lines."""
    files = {path: _lines(path) for path in map(run.events_path, run.attempts())}
    history = fold(event for lines in files.values() for event in thin(lines))
    for path, lines in files.items():
        if damaged := [n for n, line in enumerate(lines, start=1) if not _is_whole(line)]:
            history.unreadable.append(_damage(str(path.relative_to(run.path)), damaged))
    return history


def _is_whole(line: bytes) -> bool:
    """Tell whether a line was written as it stands: also an event of a kind this reader lacks."""
    if line.startswith((STEP, SYSTEM)):
        return line.endswith(b"}")  # there are thousands of them
    try:
        msgspec.json.decode(line)
    except msgspec.DecodeError:
        return False
    return True


def _damage(file: str, numbers: list[int]) -> str:
    others = len(numbers) - 1
    more = f" and {others} more line{'s' * (others > 1)}" if others else ""
    each = (
        "they said is missing here; remove them" if others else "it said is missing here; remove it"
    )
    return f"{file}:{numbers[0]}{more}: damaged, so what {each} to be rid of this warning"


def folder_size(path: Path) -> int:
    """Add up the bytes of a file, or of all files below a folder; what vanishes meanwhile is 0."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(_size(file) for file in files)


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\n")[:-1]  # what follows the last line end is torn
    except OSError:
        return []


def _decoded(lines: Iterable[bytes]) -> Iterator[AnyEvent]:
    for line in lines:
        if (event := decode(line)) is not None:
            yield event


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
