"""Maintains the local mirror of a remote run: its events and plain log lines, each exactly once.

A stream may deliver lines twice, late, or not at all; the run's own volume is complete up to its last
commit. The mirror is the union of both. One process at a time writes it, under a lock; any number read it.

An event file is always sorted by event number. A late event requires rewriting the file, so late events
are collected briefly: a hundred of them cost one rewrite.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from core.errors import RunError
from core.run.events import ENDINGS, AnyEvent, decode, identity
from core.run.rundir import ATTEMPT, RunDir
from core.system.files import append_all, write_bytes_atomically
from core.system.lock import try_lock

LOCK = ".mirror.lock"
SEEN = "lines-seen"
"""File beside an attempt's log that lists the plain lines in it, since they carry no number."""
DIGEST_BYTES = 8
LATE_SECONDS = 2.0
"""How long a late event may be missing from its file while later ones are appended."""


class LineKey(msgspec.Struct, frozen=True):
    """Identity of a plain line in a log service."""

    container: str
    timestamp: float
    source: str
    text: bytes
    ordinal: int
    """Index among otherwise identical lines, in log order."""

    def digest(self) -> bytes:
        """Return a short hash that identifies the line."""
        whole = f"{self.container}|{self.timestamp!r}|{self.source}|{self.ordinal}|".encode()
        return hashlib.blake2b(whole + self.text, digest_size=DIGEST_BYTES).digest()


@contextmanager
def writing(run: RunDir, seconds: float = 0.0) -> Iterator["Recorder | None"]:
    """Return the run's only recorder; ``None`` if another process holds it.

    Args:
        run: the run whose mirror is written.
        seconds: how long to wait for the lock.
    """
    with try_lock(run.path / LOCK, seconds) as held:
        if not held:
            yield None
            return
        recorder = Recorder(run)
        try:
            yield recorder
        finally:
            recorder.flush()


class Recorder:
    """Writes the files of all attempts of one run; see :func:`writing`."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self._attempts: dict[str, _AttemptFiles] = {}

    def add_event(self, line: bytes) -> bool:
        """Record one event line; return ``False`` if it is already recorded or is no event.

        A late event is written to its file by the next :meth:`flush` at the latest.

        Raises:
            RunError: another event has the same number in the same attempt.
        """
        event = decode(line)
        if event is None or not ATTEMPT.fullmatch(event.attempt):
            return False
        return self._files(identity(event).attempt).add_event(event, line.strip())

    def add_text(self, attempt: str, key: LineKey) -> bool:
        """Record one plain line; return ``False`` if it is already recorded."""
        return self._files(attempt).add_text(key)

    def merge_events(self, attempt: str, lines: Iterable[bytes]) -> int:
        """Record what the volume holds of an attempt; return how many events were missing.

        Raises:
            RunError: another event has the same number.
        """
        return self._files(attempt).merge(lines)

    def replace_log(self, attempt: str, content: bytes) -> None:
        """Replace the log assembled from a stream by the attempt's own log."""
        write_bytes_atomically(self.run.log_path(attempt), content)

    def flush(self) -> None:
        """Insert the late events into their files."""
        for files in self._attempts.values():
            files.flush()

    def _files(self, attempt: str) -> "_AttemptFiles":
        if attempt not in self._attempts:
            self._attempts[attempt] = _AttemptFiles(self.run, attempt)
        return self._attempts[attempt]


class _AttemptFiles:
    """The mirror of one attempt: its event file and its log."""

    def __init__(self, run: RunDir, attempt: str) -> None:
        self._name = f"{run.id}, attempt {attempt}"
        self._events_path, self._log_path = run.events_path(attempt), run.log_path(attempt)
        self._seen_path = run.attempt_folder(attempt) / SEEN
        self._events_path.parent.mkdir(parents=True, exist_ok=True)
        self._events = _read_events(self._events_path)
        self._last = max(self._events, default=0)
        self._late_since: float | None = None
        """Arrival time of the first event that is not yet in the file."""
        self._texts = _read_digests(self._seen_path)
        _drop_torn_line(self._events_path)
        _drop_torn_line(self._log_path)

    def add_event(self, event: AnyEvent, line: bytes) -> bool:
        if not self._is_new(event.seq, line):
            return False
        _append(self._log_path, line + b"\n")
        if event.seq < self._last:
            self._late_since = self._late_since or time.monotonic()
        elif isinstance(event, ENDINGS) and self._late_since is not None:
            self._rewrite()  # a reader of the final event must find all earlier ones
        else:
            _append(self._events_path, line + b"\n")
            self._last = event.seq
        self._flush_if_due()
        return True

    def add_text(self, key: LineKey) -> bool:
        digest = key.digest()
        if digest in self._texts:
            return False
        self._texts.add(digest)
        _append(self._log_path, key.text + b"\n")
        _append(self._seen_path, digest)
        self._flush_if_due()
        return True

    def flush(self) -> None:
        if self._late_since is not None:
            self._rewrite()

    def _flush_if_due(self) -> None:
        if self._late_since is not None and time.monotonic() - self._late_since >= LATE_SECONDS:
            self._rewrite()

    def merge(self, lines: Iterable[bytes]) -> int:
        added = 0
        for line in lines:
            event = decode(line)
            if event is not None and self._is_new(event.seq, line.strip()):
                added += 1
        if added:
            self._rewrite()
        return added

    def _is_new(self, seq: int, line: bytes) -> bool:
        known = self._events.setdefault(seq, line)
        if known is line:
            return True
        if known != line:
            raise RunError(
                f"{self._name}: event {seq} came twice, differently; two jobs wrote into one attempt"
            )
        return False

    def _rewrite(self) -> None:
        """Replace the event file; readers detect the new file and know what they have already read."""
        ordered = b"".join(self._events[seq] + b"\n" for seq in sorted(self._events))
        write_bytes_atomically(self._events_path, ordered)
        self._last = max(self._events)
        self._late_since = None


def _read_events(path: Path) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for line in _content(path).split(b"\n")[:-1]:
        if (event := decode(line)) is not None:
            found.setdefault(event.seq, line.strip())
    return found


def _read_digests(path: Path) -> set[bytes]:
    content = _content(path)
    whole = len(content) - len(content) % DIGEST_BYTES
    return {content[i : i + DIGEST_BYTES] for i in range(0, whole, DIGEST_BYTES)}


def _drop_torn_line(path: Path) -> None:
    """Truncate the torn line that a killed writer left; it will arrive again."""
    content = _content(path)
    end = content.rfind(b"\n") + 1
    if end < len(content):
        write_bytes_atomically(path, content[:end])


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _append(path: Path, content: bytes) -> None:
    try:
        with path.open("ab", buffering=0) as file:
            append_all(file, content)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"{path}: cannot be written ({reason}); free some space") from error
