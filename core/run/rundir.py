"""The folder of one run: its request, handles, attempts, checkpoints and evaluation.

The layout is the same on this computer and on a rented machine's volume. Whole files are written
atomically; event files and logs are append-only, each written by one attempt. Readers tolerate missing,
foreign and half-written files: they raise :class:`~core.errors.RunError` or return less.
"""

import contextlib
import datetime as dt
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from core.config.task_modules import search_in
from core.errors import CheckpointError, RunError, UserError
from core.run import events as event_module
from core.run.events import AnyEvent
from core.run.history import History, fold
from core.run.records import About, Handle, Pointer
from core.run.request import RunRequest, request_from
from core.run.tables import converted, read_table, write_table
from core.run.trash import restore_hint
from core.system.files import UNDECODABLE, write_bytes_atomically
from core.system.lock import locked

ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without letters and digits that are easily confused."""
RUN_ID = re.compile(r"[A-Za-z0-9_.-]+-\d{8}T\d{6}-[a-z0-9]{4}")
ATTEMPT = re.compile(r"\d{4}-[a-z0-9]{4}")
EPOCH_POINTER = re.compile(r"epoch-(\d{1,6})")
HANDLE = "handle.toml"
Content = TypeVar("Content")


def new_run_id(experiment: str, now: dt.datetime) -> str:
    """Return a new run id: version, UTC time and four random letters. Ids sort by version, then time."""
    return f"{experiment}-{now.astimezone(dt.UTC):%Y%m%dT%H%M%S}-{_random_name()}"


def epoch_pointer(epoch: int) -> str:
    """Return the name of the pointer to one epoch's checkpoint: ``epoch-0005``; see :data:`EPOCH_POINTER`."""
    return f"epoch-{epoch:04d}"


def _random_name() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(4))


class RunDir:
    """The folder of one run. It need not exist: reading from a missing one raises an error."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def id(self) -> str:
        """Id of the run, which is its folder's name."""
        return self.path.name

    @property
    def checkpoints(self) -> Path:
        """Folder of weights and pointers."""
        return self.path / "checkpoints"

    @property
    def evaluation_table(self) -> Path:
        """Table of counts per video × true class × predicted class, of the best checkpoint."""
        return self.evaluation_of("best")

    def evaluation_of(self, epoch: Literal["best", "last"]) -> Path:
        """Return the path of the table of the best, or of the last complete, epoch.

        Runs of earlier versions of this program have that of the best epoch only.
        """
        return self.path / "evaluation" / f"{epoch}.parquet"

    @property
    def predictions(self) -> Path:
        """Predictions of the best epoch, written if ``training.keep_predictions`` is set."""
        return self.path / "evaluation" / "predictions.parquet"

    # ── whole files ───────────────────────────────────────────────────────────────────────────

    def write_request(self, request: RunRequest) -> None:
        """Write ``run.toml``, creating the folder if it is new."""
        write_table(self.path / "run.toml", request)

    def read_request(self) -> RunRequest:
        """Read ``run.toml``.

        Raises:
            RunError: it is missing (says so if it is in the trash), not one of ours, or of a newer format.
        """
        path = self.path / "run.toml"
        if not self.path.exists() and (hint := restore_hint(self.path)):
            raise RunError(f"{self.id} was removed{hint}")
        return request_from(read_table(path), str(path))

    def search_task(self) -> None:
        """Make the task's module importable, from the folder named in the request that is read next.

        Only a job does this: a front end never imports a module that only a run's folder names.
        """
        with contextlib.suppress(RunError):  # reading the request reports the error
            if isinstance(source := read_table(self.path / "run.toml").get("task_source"), str):
                search_in(Path(source))

    def change_request(self, change: Callable[[RunRequest], RunRequest]) -> RunRequest:
        """Update ``run.toml`` under its lock, based on its content at that time; return the new request.

        Raises:
            RunError: the request cannot be read.
            UserError: it cannot be written, or another process does not release the lock.
        """
        return self._change("run.toml", self.read_request, change, self.write_request)

    def write_handle(self, handle: Handle) -> None:
        """Store a handle with its attempt, and as ``handle.toml`` unless that belongs to a newer attempt.

        A handle that an older version stored only in ``handle.toml`` is first moved to its attempt.

        Raises:
            UserError: it cannot be written, or another process does not release the lock.
        """
        with locked(self.path / HANDLE):
            before = self.read_handle()
            if before is not None and not self._handle_path(before.attempt).exists():
                self._keep_handle(before)
            self._keep_handle(handle)
            if before is None or before.attempt <= handle.attempt:
                write_table(self.path / HANDLE, handle)

    def _keep_handle(self, handle: Handle) -> None:
        if self.attempt_folder(handle.attempt).is_dir():
            write_table(self._handle_path(handle.attempt), handle)

    def _handle_path(self, attempt: str) -> Path:
        return self.attempt_folder(attempt) / HANDLE

    def read_handle(self) -> Handle | None:
        """Read ``handle.toml``; ``None`` if the run was never launched or the file cannot be read."""
        return _read_handle(self.path / HANDLE)

    def read_handles(self) -> list[Handle]:
        """Read the handles of all starts of the run, oldest first; unreadable ones are skipped."""
        kept = [_read_handle(self._handle_path(attempt)) for attempt in self.attempts()]
        newest = self.read_handle()
        found = [each for each in (*kept, newest) if each is not None]
        return [each for n, each in enumerate(found) if each not in found[:n]]

    def write_about(self, about: About) -> None:
        """Write ``about.toml`` of a new run; :meth:`change_about` rewrites it."""
        write_table(self.path / "about.toml", about)

    def change_about(self, change: Callable[[About], About]) -> About:
        """Update ``about.toml`` under its lock, based on its content at that time; return the new content.

        Raises:
            RunError: it cannot be read.
            UserError: it cannot be written, or another process does not release the lock.
        """
        return self._change("about.toml", self.read_about, change, self.write_about)

    def _change(
        self,
        name: str,
        read: Callable[[], Content],
        change: Callable[[Content], Content],
        write: Callable[[Content], None],
    ) -> Content:
        """Rewrite a file of the run under its lock; return the new content."""
        if not self.path.is_dir():  # taking a lock would recreate the folder of a removed run
            raise RunError(f"{self.path}: not there; was the run removed?")
        with locked(self.path / name):
            changed = change(read())
            write(changed)
        return changed

    def read_about(self) -> About:
        """Read ``about.toml``; empty if there is none.

        Raises:
            RunError: it exists but cannot be read.
        """
        path = self.path / "about.toml"
        if not path.exists():
            return About()
        try:
            return converted(read_table(path), About, path)
        except RunError as error:
            raise RunError(f"{error}; its tags and note are left out: mend or remove it") from error

    def write_pointer(self, name: str, pointer: Pointer) -> None:
        """Set ``last`` or ``best`` to a checkpoint. Call this only once that file is complete on disk."""
        write_bytes_atomically(self.checkpoints / f"{name}.json", msgspec.json.encode(pointer))

    def read_pointer(self, name: str) -> Pointer | None:
        """Read ``last`` or ``best``; ``None`` if there is no valid checkpoint yet.

        Raises:
            CheckpointError: the pointer exists but cannot be read.
        """
        path = self.checkpoints / f"{name}.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=Pointer)
        except FileNotFoundError:
            return None
        except (OSError, *UNDECODABLE) as error:
            raise CheckpointError(
                f"{path}: not a checkpoint pointer ({error}); remove it to fall back on another checkpoint"
            ) from error

    # ── attempts ──────────────────────────────────────────────────────────────────────────────

    def attempts(self) -> list[str]:
        """Return the names of all attempts, oldest first."""
        folder = self.path / "attempts"
        if not folder.is_dir():
            return []
        return sorted(entry.name for entry in folder.iterdir() if ATTEMPT.fullmatch(entry.name))

    def claim_attempt(self) -> str:
        """Claim the next attempt's name and create its folder, before its first line is printed.

        Raises:
            RunError: the folder cannot be written, or other processes do not release the lock.
        """
        try:
            with locked(self.path / "attempts"):
                last = self.attempts()[-1:]
                ordinal = int(last[0].split("-")[0]) + 1 if last else 1
                name = f"{ordinal:04d}-{_random_name()}"
                self.attempt_folder(name).mkdir(parents=True)
        except (UserError, OSError) as error:
            raise RunError(
                f"{self.path}: no attempt can be started here ({getattr(error, 'strerror', None) or error});"
                " check the folder's permissions and free space"
            ) from error
        return name

    def attempt_folder(self, attempt: str) -> Path:
        """Return the folder of one attempt."""
        return self.path / "attempts" / attempt

    def events_path(self, attempt: str) -> Path:
        """Return the event file of one attempt; only that attempt's job writes it."""
        return self.attempt_folder(attempt) / "events.jsonl"

    def log_path(self, attempt: str) -> Path:
        """Return the log of one attempt: all its output, including events; the launcher side writes it."""
        return self.attempt_folder(attempt) / "log.txt"

    def request_stop(self, attempt: str) -> None:
        """Record that the attempt was asked to stop, so that every front end shows ``stopping``."""
        write_bytes_atomically(self.attempt_folder(attempt) / "stop-requested", b"")

    def stop_requested(self, attempt: str) -> bool:
        """Return whether the attempt was asked to stop."""
        return (self.attempt_folder(attempt) / "stop-requested").exists()

    # ── events ────────────────────────────────────────────────────────────────────────────────

    def events(self) -> Iterator[AnyEvent]:
        """Read the events of all attempts. Torn and foreign lines are skipped."""
        for attempt in self.attempts():
            yield from read_events(self.events_path(attempt))

    def history(self) -> History:
        """Fold all events into the history that counts."""
        return fold(self.events())


def _read_handle(path: Path) -> Handle | None:
    try:
        return converted(read_table(path), Handle, path)
    except RunError:
        return None


def read_events(path: Path) -> Iterator[AnyEvent]:
    """Read one event file; a torn last line and a missing file are normal."""
    try:
        content = path.read_bytes()
    except OSError:
        return
    for line in content.splitlines():
        event = event_module.decode(line)
        if event is not None:
            yield event
