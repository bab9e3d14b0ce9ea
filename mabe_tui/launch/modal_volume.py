"""What a run's folder holds on Modal's volume, brought into the mirror: events, pointers, checkpoints."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

import modal
import modal.exception
import msgspec

from core.errors import RunError
from core.events import ENDINGS, decode
from core.files import replace_atomically, write_bytes_atomically
from core.rundir import ATTEMPT, Pointer, RunDir, RunRequest
from mabe_tui.launch import modal_client
from mabe_tui.launch.modal_client import UnreachableError, ask
from mabe_tui.launch.recorder import Recorder

VOLUME = "mabe-runs"
POINTERS = "checkpoints/*.json"
EVALUATION = "evaluation/best.parquet"
TRIES = 4
DOWNLOAD_SECONDS = 3600.0
PARTIAL = ".part"
Progress = Callable[[int, int, str], None]


def _volume() -> modal.Volume:
    return modal.Volume.from_name(VOLUME, create_if_missing=True)


def files(run: RunDir) -> dict[str, int]:
    """Give the sizes of the run's files on the volume, by their names relative to its folder.

    Raises:
        UserError: Modal cannot be asked.
    """

    async def question() -> dict[str, int]:
        try:
            entries = await _volume().listdir.aio(f"/{run.id}", recursive=True)
        except modal.exception.NotFoundError:
            return {}
        return {
            str(PurePosixPath(entry.path).relative_to(run.id)): entry.size
            for entry in entries
            if entry.type.name == "FILE"
        }

    return ask(question)


def read(run: RunDir, path: str) -> bytes:
    """Read one small file of the run.

    Raises:
        RunError: there is no such file.
        UserError: Modal cannot be asked.
    """

    async def question() -> bytes:
        parts = [part async for part in _volume().read_file.aio(f"/{run.id}/{path}")]
        return b"".join(parts)

    try:
        return ask(question)
    except RunError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise RunError(f"{run.id} has no file {path!r} on Modal") from error
        raise


# ── into the mirror ───────────────────────────────────────────────────────────────────────────


def sync_into(recorder: Recorder) -> int:
    """Fill every hole of the mirror from the volume; gives how many events were missing.

    Raises:
        UserError: Modal cannot be asked.
        RunError: the volume holds another event under the same number.
    """
    run = recorder.run
    sizes = files(run)
    added = 0
    for attempt in sorted({parts[1] for p in sizes if (parts := p.split("/"))[0] == "attempts"}):
        if ATTEMPT.fullmatch(attempt):
            added += _sync_attempt(recorder, attempt, sizes)
    for path in sizes:
        if PurePosixPath(path).match(POINTERS):
            write_bytes_atomically(run.path / path, read(run, path))
    if EVALUATION in sizes:
        write_bytes_atomically(run.path / EVALUATION, read(run, EVALUATION))
    if "run.toml" in sizes:
        _take_over_resolved(run)
    return added


def _sync_attempt(recorder: Recorder, attempt: str, sizes: Mapping[str, int]) -> int:
    run, folder = recorder.run, f"attempts/{attempt}"
    events, log = f"{folder}/events.jsonl", f"{folder}/log.txt"
    if events not in sizes or sizes[events] == _size(run.events_path(attempt)):
        return 0
    lines = read(run, events).split(b"\n")[:-1]  # what follows the last line end is torn
    added = recorder.merge_events(attempt, lines)
    if log in sizes and _has_ended(lines):
        recorder.replace_log(attempt, read(run, log))
    return added


def _has_ended(lines: Iterable[bytes]) -> bool:
    return any(isinstance(decode(line), ENDINGS) for line in list(lines)[-3:])


def _take_over_resolved(run: RunDir) -> None:
    """Keep what the job found out about its data beside what was asked."""
    request = run.read_request()
    if request.resolved is not None:
        return
    found = msgspec.toml.decode(read(run, "run.toml"), type=RunRequest)
    if found.resolved is not None:
        run.write_request(msgspec.structs.replace(request, resolved=found.resolved))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


# ── whole files ───────────────────────────────────────────────────────────────────────────────


def fetch(run: RunDir, path: str, into: Path) -> Path:
    """Bring one file of the run to ``into``, a file name or a folder that exists."""
    target = into / PurePosixPath(path).name if into.is_dir() else into
    sizes = files(run)
    if path not in sizes:
        raise RunError(f"{run.id} has no file {path!r} on Modal")
    with replace_atomically(target) as file:
        _download(run, path, file.write, lambda _: None)
    return target


def pull(run: RunDir, pointers: Iterable[Pointer], progress: Progress | None = None) -> list[Path]:
    """Bring checkpoints here. Those that are here and whole are not fetched again.

    A file gets its name only once its sha256 is the one that its pointer names.

    Raises:
        UserError: Modal cannot be asked, or a file cannot be had whole.
    """
    wanted = {pointer.file: pointer for pointer in pointers}
    total = sum(pointer.bytes for pointer in wanted.values())
    done = 0
    paths: list[Path] = []
    for pointer in wanted.values():
        before = done

        def tell(received: int, before: int = before) -> None:
            if progress is not None:
                progress(before + received, total, "bytes")

        paths.append(_pull_one(run, pointer, tell))
        done += pointer.bytes
        tell(pointer.bytes)
    return paths


def _pull_one(run: RunDir, pointer: Pointer, tell: Callable[[int], None]) -> Path:
    target = run.checkpoints / pointer.file
    if _sha256(target) == pointer.sha256:
        return target
    temporary = target.with_name(f".{target.name}{PARTIAL}")
    target.parent.mkdir(exist_ok=True)
    for attempt in range(1, TRIES + 1):
        try:
            whole = _download_to(run, pointer, temporary, tell)
        except UnreachableError:
            if attempt == TRIES:
                raise
            continue
        if whole:
            temporary.replace(target)
            return target
        temporary.unlink()
    raise RunError(
        f"{run.id}: {pointer.file} came {TRIES} times with another sha256 than its pointer names;"
        " nothing was kept; try again later"
    )


def _download_to(
    run: RunDir, pointer: Pointer, temporary: Path, tell: Callable[[int], None]
) -> bool:
    """Download once; tell whether it is what the pointer names."""
    digest = hashlib.sha256()
    with temporary.open("wb") as file:

        def take(part: bytes) -> None:
            file.write(part)
            digest.update(part)

        _download(run, f"checkpoints/{pointer.file}", take, tell)
    return digest.hexdigest() == pointer.sha256


def _download(
    run: RunDir, path: str, take: Callable[[bytes], object], tell: Callable[[int], None]
) -> None:
    async def question() -> None:
        received = 0
        async for part in _volume().read_file.aio(f"/{run.id}/{path}"):
            take(part)
            tell(received := received + len(part))

    try:
        modal_client.ask(question, DOWNLOAD_SECONDS)
    except RunError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise RunError(f"{run.id} has no file {path!r} on Modal") from error
        raise


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
