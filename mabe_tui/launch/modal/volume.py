"""Copy a run's folder on Modal's volume into the mirror: events, pointers, tables."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TypeVar

import modal
import modal.exception
import msgspec

from core.errors import RunError
from core.run.events import decode
from core.run.provenance import PACKAGES
from core.run.records import Handle
from core.run.request import decode_request
from core.run.rundir import ATTEMPT, RunDir
from core.system.files import write_bytes_atomically
from mabe_tui.launch.attempts import attempt_ending
from mabe_tui.launch.modal.client import ANSWER_SECONDS, ask
from mabe_tui.launch.modal.handle import NAME, Call, Place, call_of, calls_of, reference_of
from mabe_tui.launch.modal_claims import CALL
from mabe_tui.launch.recorder import Recorder
from mabe_tui.launch.tail import first_line

VOLUME = "mabe-runs"
FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
POINTER = re.compile(r"checkpoints/[a-z0-9-]+\.json")
CALL_ID = re.compile(r"fc-[A-Za-z0-9]+")
REQUEST = "run.toml"
EVALUATIONS = tuple(
    f"evaluation/{epoch}{table}.parquet"
    for epoch in ("best", "last")
    for table in ("", "-confusion")
)
PREDICTIONS = "evaluation/predictions.parquet"
READ_AT_ONCE = 8
TRIES = 3
OWN_WORDS = b"mabe: "
"""Prefix of the container's own messages."""
Answer = TypeVar("Answer")


class MissingError(RunError):
    """A file of the run is not on the volume."""


def volume_of(run: RunDir) -> modal.Volume:
    """Return the volume that holds the run, in the run's environment; reading never creates it."""
    call = call_of(run)
    environment = call.place.environment if call is not None else ""
    return modal.Volume.from_name(VOLUME, environment_name=environment or None)


def files(run: RunDir) -> dict[str, int]:
    """Return the sizes in bytes of the run's files on the volume, by name relative to its folder.

    Raises:
        UserError: Modal cannot be queried.
    """

    async def question() -> dict[str, int]:
        try:
            entries = await volume_of(run).listdir.aio(f"/{run.id}", recursive=True)
        except modal.exception.NotFoundError:
            return {}
        return {
            str(PurePosixPath(entry.path).relative_to(run.id)): entry.size
            for entry in entries
            if entry.type.name == "FILE"
        }

    return ask(question)


def has_checkpoints(run: RunDir) -> bool:
    """Return whether the volume holds a valid checkpoint of the run.

    Raises:
        UserError: Modal cannot be queried.
    """
    return any(POINTER.fullmatch(path) for path in files(run))


def read(run: RunDir, paths: Iterable[str]) -> dict[str, bytes]:
    """Read small files of the run, several at a time.

    Raises:
        MissingError: one of them does not exist.
        UserError: Modal cannot be queried.
    """
    wanted = list(paths)

    async def question() -> list[bytes]:
        several, source = asyncio.Semaphore(READ_AT_ONCE), volume_of(run)

        async def one(path: str) -> bytes:
            async with several:
                whole = [part async for part in source.read_file.aio(f"/{run.id}/{path}")]
                return b"".join(whole)

        return await asyncio.gather(*(one(path) for path in wanted))

    return dict(zip(wanted, without_missing(run, question), strict=True)) if wanted else {}


def without_missing(
    run: RunDir, question: Callable[[], Awaitable[Answer]], seconds: float = ANSWER_SECONDS
) -> Answer:
    """Send a request about a run's files; a missing one is reported as a file of the run.

    Raises:
        MissingError: the file does not exist.
        UserError: Modal cannot be queried.
    """
    try:
        return ask(question, seconds)
    except RunError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise MissingError(f"{run.id}: {error} on Modal") from error
        raise


# ── into the mirror ───────────────────────────────────────────────────────────────────────────


def sync_into(recorder: Recorder, while_read: bool = False) -> int:
    """Fill every gap of the mirror from the volume; return how many events were missing.

    Args:
        recorder: the recorder of the run.
        while_read: whether someone reads the logs as they grow. A replaced log is shown twice to such a
            reader, so only a log with missing lines is replaced. Otherwise each log becomes a byte-exact
            copy of its attempt's log, plus the lines that no commit held.

    Raises:
        UserError: Modal cannot be queried.
        RunError: the volume holds another event under the same number.
    """
    for _ in range(TRIES - 1):
        with suppress(MissingError):  # of a checkpoint that the job removed after it was listed
            return _sync(recorder, while_read)
    return _sync(recorder, while_read)


def _sync(recorder: Recorder, while_read: bool) -> int:
    run = recorder.run
    sizes = files(run)
    added = 0
    names = {parts[1] for path in sizes if (parts := path.split("/"))[0] == "attempts"}
    attempts = sorted(name for name in names if ATTEMPT.fullmatch(name))
    for attempt in attempts:
        added += _sync_attempt(recorder, attempt, sizes, while_read)
    _take_over_calls(run, attempts, sizes)
    whole = [path for path in sizes if POINTER.fullmatch(path) or path in EVALUATIONS]
    whole += [
        path
        for path in (f"attempts/{attempt}/{PACKAGES}" for attempt in attempts)
        if path in sizes and not (run.path / path).exists()
    ]
    whole += _predictions_to_fetch(run, attempts, sizes)
    for path, content in read(run, whole).items():
        write_bytes_atomically(run.path / path, content)
    # Without files its folder is missing altogether, which implies nothing about its checkpoints.
    if sizes:
        _forget_pointers(run, sizes)
    if REQUEST in sizes:
        _take_over_resolved(run)
    return added


def _predictions_to_fetch(run: RunDir, attempts: list[str], sizes: Mapping[str, int]) -> list[str]:
    """Return the predictions once the run has ended: they are large, and new with every best epoch."""
    if not attempts or attempt_ending(run, attempts[-1]) is None or PREDICTIONS not in sizes:
        return []
    return [PREDICTIONS] if sizes[PREDICTIONS] != _size(run.predictions) else []


def _sync_attempt(
    recorder: Recorder, attempt: str, sizes: Mapping[str, int], while_read: bool
) -> int:
    run, folder = recorder.run, f"attempts/{attempt}"
    events, log = f"{folder}/events.jsonl", f"{folder}/log.txt"
    if events not in sizes:
        return 0
    added = 0
    if sizes[events] != _size(run.events_path(attempt)):
        lines = read(run, [events])[events].split(b"\n")[:-1]  # the rest, if any, is a torn line
        added = recorder.merge_events(attempt, lines)
    if log not in sizes or attempt_ending(run, attempt) is None:
        return added
    path = run.log_path(attempt)
    here = _size(path)
    lacks = added > 0 or here < sizes[log]
    if lacks or (not while_read and (here != sizes[log] or _is_out_of_order(path))):
        recorder.replace_log(attempt, _with_last_words(read(run, [log])[log], path))
    return added


def _take_over_calls(run: RunDir, attempts: Iterable[str], sizes: Mapping[str, int]) -> None:
    """Write the handles of starts that another computer made of this run.

    Those starts are then followed, stopped and waited for like the local ones.
    """
    paths = {attempt: f"attempts/{attempt}/{CALL}" for attempt in attempts}
    new = [
        attempt
        for attempt, path in paths.items()
        if path in sizes and not (run.attempt_folder(attempt) / CALL).exists()
    ]
    contents = read(run, [paths[attempt] for attempt in new])
    known, own = {call.id for call in calls_of(run)}, call_of(run)
    for attempt in new:
        call_id = contents[paths[attempt]].decode("ascii", "replace").strip()
        folder = run.attempt_folder(attempt)
        folder.mkdir(parents=True, exist_ok=True)
        if CALL_ID.fullmatch(call_id) and call_id not in known:
            known.add(call_id)
            call = Call(id=call_id, place=own.place if own is not None else Place())
            run.write_handle(Handle(launcher=NAME, attempt=attempt, reference=reference_of(call)))
        write_bytes_atomically(folder / CALL, contents[paths[attempt]])


def _with_last_words(content: bytes, here: Path) -> bytes:
    """Return the volume's log plus the lines that only the stream had, because no commit held them.

    Identical lines count once: a reader that still receives the stream after the log was replaced records the
    same line again, since nothing identifies plain lines across files and streams.
    """
    known = set(content.split(b"\n"))
    missing = []
    for line in _content(here).split(b"\n")[:-1]:
        if line not in known and (line.startswith(OWN_WORDS) or decode(line) is not None):
            known.add(line)
            missing.append(line + b"\n")
    return content + b"".join(missing)


def _is_out_of_order(log: Path) -> bool:
    """Return whether the recorded events lack earlier ones: someone fetched only recent events."""
    return decode(first_line(log)) is not None


def _forget_pointers(run: RunDir, sizes: Mapping[str, int]) -> None:
    """Remove pointers to epochs that the job no longer keeps, unless their weights are here."""
    for path in run.checkpoints.glob("epoch-*.json"):
        pointer = run.read_pointer(path.stem)
        is_here = pointer is not None and (run.checkpoints / pointer.file).exists()
        if f"checkpoints/{path.name}" not in sizes and not is_here:
            path.unlink(missing_ok=True)


def _take_over_resolved(run: RunDir) -> None:
    """Store what the job resolved about its data beside the request."""
    if run.read_request().resolved is not None:
        return
    try:
        found = decode_request(read(run, [REQUEST])[REQUEST])
    except RunError:  # a newer version wrote it
        return
    if found.resolved is not None:
        run.change_request(lambda asked: msgspec.structs.replace(asked, resolved=found.resolved))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
