"""Summaries of all runs of a home folder, refreshed cheaply: only changed runs are read again.

Runs that have ended are cached on disk. That file holds nothing that cannot be computed from the run
folders; if it is missing, damaged or of another version, it is rebuilt.
"""

import datetime as dt
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.errors import UserError
from core.run import places
from core.run.history import History
from core.system.files import UNDECODABLE, write_bytes_atomically
from mabe_tui.launch.attempts import attempt_ending, newest_attempt, read_quiet_ending
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.listing.record import RunRecord, record_from
from mabe_tui.runs.reading.thin_history import ThinTail
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.hearing import hear_all
from mabe_tui.runs.summary.run_summary import RunSummary, state_of, summary_from, summary_of

FILE = "catalog.msgpack"
FORMAT = 4
"""Raise this when a record's values change meaning; new fields are detected automatically."""
TOLD_SECONDS, TOLD_SHARE = 0.25, 0.5
"""Progress is reported after this many seconds, or after this share of the time spent so far."""
ASKED = 50
"""Runs elsewhere that one refresh asks about, newest first."""
LOCAL = "local"
WATCHED = ("run.toml", "about.toml", "handle.toml", "attempts")
Told = Callable[[list[RunRecord], int], None]
"""Takes the records read so far, newest first, and the total number of runs."""
Signature = tuple[int, ...]
"""Sizes and modification times of the files that a summary is computed from."""


class _Kept(msgspec.Struct, array_like=True):
    signature: Signature
    record: RunRecord


class _File(msgspec.Struct):
    version: str
    runs: dict[str, _Kept]


@dataclass(frozen=True, slots=True)
class _Alive:
    """State kept of a run that may continue, so that only new events are read."""

    tail: ThinTail
    history: History


@dataclass(frozen=True, slots=True)
class _Known:
    signature: Signature
    record: RunRecord
    entry: RunEntry
    alive: _Alive | None = None
    """``None`` if the run has ended: its record stays valid until a file changes."""


class Catalog:
    """The records of all runs. Thread-safe.

    Args:
        store: the runs.
    """

    def __init__(self, store: RunStore) -> None:
        self.store = store
        self._path = places.cache(store.folder.parent) / FILE
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._told: dict[str, RunState] = {}
        self._on_disk: dict[str, _Kept] | None = None
        self._listed: tuple[int, int] | None = None

    def records(self, now: dt.datetime | None = None, told: Told | None = None) -> list[RunRecord]:
        """Return all runs, newest first, in their current state; an unchanged run keeps its record object.

        Contacts no launcher: a run elsewhere that has not ended has the state that the last
        :meth:`refresh` found, or ``unknown`` before the first.

        Args:
            now: the time that running times extend to; the present by default.
            told: called with the records read so far, every now and then, if reading takes long.

        Raises:
            RunError: the folder of runs cannot be listed.
        """
        now = now or dt.datetime.now(dt.UTC)
        with self._lock:
            return self._all(now, told)

    def glance(self, now: dt.datetime | None = None) -> list[RunRecord]:
        """Return the same as :meth:`records`, but check ended runs only if a run was added or removed.

        A tag, a note or a resume of an ended run therefore shows at the next :meth:`records` only; the
        cost depends on the number of live runs.

        Raises:
            RunError: as :meth:`records`.
        """
        now = now or dt.datetime.now(dt.UTC)
        with self._lock:
            if self._listed != _stat(str(self.store.folder)):
                return self._all(now)
            for name, known in self._known.items():
                if known.alive is not None or not known.record.alike:
                    self._known[name] = self._look(known.entry, now)
            return [known.record for known in self._known.values()]

    def _all(self, now: dt.datetime, told: Told | None = None) -> list[RunRecord]:
        if self._on_disk is None:
            self._on_disk = _load(self._path)
        self._listed = _stat(str(self.store.folder))  # first: a later change is seen next time
        self._known = self._look_at_each(self.store.entries(), now, told)
        self._save()
        return [known.record for known in self._known.values()]

    def _look_at_each(
        self, entries: Sequence[RunEntry], now: dt.datetime, told: Told | None
    ) -> dict[str, _Known]:
        found: dict[str, _Known] = {}
        began = said = time.monotonic()
        for entry in entries:
            found[entry.id] = self._look(entry, now)
            pause = max(TOLD_SECONDS, TOLD_SHARE * (said - began))
            if told is not None and time.monotonic() - said >= pause:
                told([known.record for known in found.values()], len(entries))
                said = time.monotonic()
        return found

    def summaries(self, now: dt.datetime | None = None) -> list[RunSummary]:
        """Return the summaries of :meth:`records`."""
        return [record.summary for record in self.records(now)]

    def refresh(self, limit: int = ASKED) -> list[str]:
        """Query runs elsewhere over the network; the next :meth:`records` includes the answers.

        Args:
            limit: at most this many are queried, newest first.

        Returns:
            Reasons why some did not answer, each once.
        """
        if not self._known:
            self.records()
        with self._lock:
            asked = [k.entry for k in self._known.values() if _is_alive_elsewhere(k)][:limit]
        heard = hear_all(asked)
        with self._lock:
            self._told |= {entry.id: told.state for entry, told in zip(asked, heard, strict=True)}
        return list(dict.fromkeys(told.problem for told in heard if told.problem))

    def _look(self, entry: RunEntry, now: dt.datetime) -> _Known:
        signature = _signature(
            str(entry.run.path)
        )  # first: anything read afterwards can only be newer
        known = self._known.get(entry.id)
        if known is not None and known.signature == signature:
            return known if known.alive is None else self._again(known, known.alive, now)
        kept = (self._on_disk or {}).get(entry.id)
        if kept is not None and kept.signature == signature:
            return _Known(signature, kept.record, entry)
        tail = known.alive.tail if known is not None and known.alive else ThinTail(entry.run)
        # An entry caches what it has read, and the job writes its findings to run.toml.
        return self._read(RunEntry(entry.run), signature, tail, now)

    def _read(
        self, entry: RunEntry, signature: Signature, tail: ThinTail, now: dt.datetime
    ) -> _Known:
        if entry.request is None:
            return _Known(signature, RunRecord(summary=summary_of(entry, now)), entry)
        state, ended = self._state(entry)
        history = tail.history()
        record = record_from(entry, history, state, now)
        return _Known(signature, record, entry, None if ended else _Alive(tail, history))

    def _again(self, known: _Known, alive: _Alive, now: dt.datetime) -> _Known:
        """Update a run whose files are unchanged: time passes, and its process may have died."""
        state, ended = self._state(known.entry)
        summary = summary_from(known.entry, alive.history, state, now)
        record = msgspec.structs.replace(known.record, summary=summary)
        return _Known(known.signature, record, known.entry, None if ended else alive)

    def _state(self, entry: RunEntry) -> tuple[RunState, bool]:
        """Return the state of a run without contacting a launcher, and whether it is final."""
        if entry.require_request().launcher == LOCAL:
            state = state_of(entry)
            return state, not state.may_speak
        ended = _ending_elsewhere(entry)
        return (ended, True) if ended else (self._told.get(entry.id, RunState.UNKNOWN), False)

    def _save(self) -> None:
        """Write the runs that have ended, if those on disk differ."""
        ended = {
            name: known
            for name, known in self._known.items()
            if known.alive is None and known.record.alike  # others could not be read
        }
        before = {name: kept.signature for name, kept in (self._on_disk or {}).items()}
        if {name: known.signature for name, known in ended.items()} == before:
            return
        self._on_disk = {name: _Kept(k.signature, k.record) for name, k in ended.items()}
        with suppress(UserError):  # it is computed again next time
            write_bytes_atomically(self._path, _encoded(self._on_disk))


def _encoded(kept: dict[str, _Kept]) -> bytes:
    """Encode the catalog's file, without the runs that msgpack cannot hold.

    Such a run has a number beyond 64 bits, or a name that is not UTF-8. Every listing reads it again.
    """
    encode = msgspec.msgpack.encode
    try:
        return encode(_File(_version(), kept))
    except (OverflowError, ValueError):
        sound = {name: each for name, each in kept.items() if _can_be_encoded(name, each)}
        return encode(_File(_version(), sound))


def _can_be_encoded(*values: object) -> bool:
    try:
        msgspec.msgpack.encode(values)
    except (OverflowError, ValueError):
        return False
    return True


def _load(path: Path) -> dict[str, _Kept]:
    try:
        content = msgspec.msgpack.decode(path.read_bytes(), type=_File)
    except (OSError, *UNDECODABLE):
        return {}
    return content.runs if content.version == _version() else {}


def _version() -> str:
    """Return the format's version, fields included, so that a new field is never read as absent."""
    return " ".join((str(FORMAT), *RunRecord.__struct_fields__, *RunSummary.__struct_fields__))


def _signature(folder: str) -> Signature:
    """Return the signature of a run's files. Avoids ``Path``: a thousand runs take about ten milliseconds."""
    found: list[int] = []
    for name in WATCHED:
        found += _stat(f"{folder}/{name}")
    try:
        attempts = os.listdir(f"{folder}/attempts")  # noqa: PTH208
    except OSError:
        return tuple(found)
    for attempt in sorted(attempts):
        found += _stat(f"{folder}/attempts/{attempt}")  # asked to stop; ended without a message
        found += _stat(f"{folder}/attempts/{attempt}/events.jsonl")
    return tuple(found)


def _stat(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _is_alive_elsewhere(known: _Known) -> bool:
    return known.alive is not None and known.record.summary.launcher != LOCAL


def _ending_elsewhere(entry: RunEntry) -> RunState | None:
    """Return how a run elsewhere ended, from its local files; a preempted one may restart by itself."""
    attempt = newest_attempt(entry.run)
    if attempt is None:
        return None
    ended = attempt_ending(entry.run, attempt)
    if ended is not None and ended is not RunState.PREEMPTED:
        return ended
    quiet = read_quiet_ending(entry.run, attempt)
    return quiet.state if quiet is not None else None
