"""The trash: what was removed is kept for some days, and can be restored.

An entry is a folder ``HOME/trash/<removed at>-<run id>/`` with a record of what was removed, written
first, and ``files/``, in which the removed paths are numbered: a folder may come after files that were in
it. They are moved by renaming, one after the other. Whenever a process is killed, each path is therefore
in exactly one of the two places, and the same command goes on from there.
"""

import datetime as dt
import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.errors import RunError, UserError
from core.run import places
from core.run.rundir import RunDir
from core.run.tables import converted, read_table, write_table
from core.run.trash import ENTRY_TIME, entry_names, run_of_entry
from core.system.lock import locked
from mabe_tui.runs.actions.sizes import folder_size
from mabe_tui.runs.store import LAST, LETTERS, RunEntry, short_id
from mabe_tui.runs.summary.run_summary import state_of

RECORD, FILES = "removed.toml", "files"
HALF = ".emptied-"
"""Prefix of entries that are being emptied, and can no longer be restored."""
LOCKED = "trash"


class TrashRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry's record says."""

    run: str
    reason: str
    removed: dt.datetime
    """The same for everything that one command removed."""
    paths: tuple[str, ...]
    """Relative to the home folder, in the order of removal."""


@dataclass(frozen=True, slots=True)
class TrashEntry:
    """Something in the trash."""

    folder: Path
    record: TrashRecord

    @property
    def run(self) -> str:
        """The run that it was removed from."""
        return self.record.run

    @property
    def places(self) -> dict[str, Path]:
        """Where each path is that is in the trash now, in the order of removal."""
        found = {path: self.folder / _place(n, path) for n, path in enumerate(self.record.paths)}
        return {path: place for path, place in found.items() if os.path.lexists(place)}

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole folder of the run."""
        return self.record.paths == (f"runs/{self.run}",)


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What was restored of a run."""

    run: str
    paths: tuple[str, ...]
    bytes: int
    left: str | None = None
    """Why something of it stays in the trash."""


class Trash:
    """The trash of one home folder.

    Args:
        home: the home folder of the runs.
    """

    def __init__(self, home: Path) -> None:
        self.home, self.folder = home, places.trash(home)

    def entries(self) -> list[TrashEntry]:
        """Return what can be restored, newest first; see :meth:`problems` for the rest."""
        return [entry for entry in map(self._read, entry_names(self.home)) if entry is not None]

    def problems(self) -> list[str]:
        """Describe the entries whose record cannot be read."""
        found = []
        for name in entry_names(self.home):
            try:
                _record(self.folder / name)
            except RunError as error:
                found.append(f"{error}; its files are in {self.folder / name / FILES}")
        return found

    def put(self, run: str, reason: str, paths: Sequence[Path], when: dt.datetime) -> Path:
        """Move paths of a run into the trash.

        Args:
            run: the run's id.
            reason: why, or what it is.
            paths: below the home folder, in the order of removal; missing ones are skipped.
            when: the same for everything that one command removes.

        Returns:
            The entry's folder.

        Raises:
            RunError: a path cannot be moved; those before it are in the trash.
            UserError: the trash cannot be written.
        """
        with self._locked():
            folder = self._new_folder(run, when)
            relative = tuple(path.relative_to(self.home).as_posix() for path in paths)
            record = TrashRecord(run=run, reason=reason, removed=when, paths=relative)
            try:
                write_table(folder / RECORD, record)
                for number, path in enumerate(relative):
                    _move(self.home / path, folder / _place(number, path))
            finally:
                _drop_if_empty(folder)
        return folder

    def found(self, name: str) -> list[TrashEntry]:
        """Return the entries of a run, newest first.

        Args:
            name: a run's id, a unique prefix of it, its letters, or ``last``: all that the last command
                removed.

        Raises:
            RunError: nothing in the trash has that name, or it could be any of several runs.
        """
        entries = self.entries()
        if not entries:
            raise RunError("the trash is empty")
        if name == LAST:
            return [each for each in entries if each.record.removed == entries[0].record.removed]
        for matches in (
            [each for each in entries if each.run == name],
            [each for each in entries if name in (short_id(each.run), each.run[-LETTERS:])],
            [each for each in entries if name and each.run.startswith(name)],
        ):
            runs = sorted({each.run for each in matches})
            if len(runs) > 1:
                raise RunError(f"{name!r} could be any of {', '.join(runs)}; type more of it")
            if matches:
                return matches
        raise RunError(f"nothing of {name!r} is in the trash (`mabe trash` lists it)")

    def restore(self, entries: Sequence[TrashEntry]) -> list[Restored]:
        """Move entries back to where they were; nothing that is there again is replaced.

        Args:
            entries: newest first, so that a run's folder comes before what was removed of it earlier.

        Returns:
            For each run what is back, and why something is not.

        Raises:
            RunError: nothing of them could be restored, or a file cannot be moved.
        """
        with self._locked():
            found = [self._restored(entry) for entry in entries]
        kept = [each.left for each in found if each.left is not None]
        if kept and not any(each.paths for each in found):
            raise RunError("; ".join(dict.fromkeys(kept)))
        return found

    def expired(self, days: float | None, now: dt.datetime) -> list[TrashEntry]:
        """Return the entries that have been kept for long enough; none if ``days`` is ``None``."""
        if days is None:
            return []
        return [
            each for each in self.entries() if now - each.record.removed >= dt.timedelta(days=days)
        ]

    def empty(self, entries: Sequence[TrashEntry]) -> int:
        """Remove entries for good; return the bytes freed. A removal cut short before is finished.

        Raises:
            RunError: one cannot be removed.
        """
        size = sum(folder_size(entry.folder) for entry in entries)
        try:
            if entries:
                with self._locked():
                    for entry in entries:
                        name = f"{HALF}{entry.folder.name}-{secrets.token_hex(4)}"
                        entry.folder.rename(entry.folder.with_name(name))
            for half in sorted(self.folder.glob(f"{HALF}*")):
                shutil.rmtree(half)
        except FileNotFoundError:  # another process empties it as well
            pass
        except OSError as error:
            raise RunError(
                f"{self.folder}: cannot be emptied ({error.strerror or error})"
            ) from error
        return size

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with locked(self.folder / LOCKED):
            yield

    def _read(self, name: str) -> TrashEntry | None:
        try:
            return TrashEntry(self.folder / name, _record(self.folder / name))
        except RunError:
            return None

    def _new_folder(self, run: str, when: dt.datetime) -> Path:
        """Create the folder of a new entry; one that was removed at the same instant comes just after."""
        while True:
            folder = self.folder / f"{when.astimezone(dt.UTC):{ENTRY_TIME}}-{run}"
            try:
                folder.mkdir()
            except FileExistsError:
                when += dt.timedelta(microseconds=1)
            except OSError as error:
                raise UserError(f"{folder}: cannot be made ({error.strerror or error})") from error
            else:
                return folder

    def _restored(self, entry: TrashEntry) -> Restored:
        there = entry.places
        size = folder_size(entry.folder / FILES)
        left = self._obstacle(entry, there)
        if left is not None:
            return Restored(run=entry.run, paths=(), bytes=0, left=left)
        for path in reversed(there):  # files come back before the pointers that name them
            _move(there[path], self.home / path)
        _drop_if_empty(entry.folder)
        return Restored(run=entry.run, paths=tuple(there), bytes=size)

    def _obstacle(self, entry: TrashEntry, paths: Iterable[str]) -> str | None:
        """Return why an entry cannot be restored now."""
        there = next((path for path in paths if os.path.lexists(self.home / path)), None)
        if there is not None:
            return f"{entry.run}: {self.home / there} is there again, and is not replaced"
        if entry.is_whole:
            return None
        run = RunDir(places.runs(self.home) / entry.run)
        if not run.path.is_dir():
            return f"{entry.run}: the run itself is gone, so its {entry.record.reason} stay in the trash"
        state = state_of(RunEntry(run))
        return (
            f"{entry.run} is {state}; stop it first (mabe stop {run.id})"
            if state.is_alive
            else None
        )


def _place(number: int, path: str) -> str:
    """Return where in an entry's folder a path is kept."""
    return f"{FILES}/{number:05d}-{Path(path).name}"


def _record(folder: Path) -> TrashRecord:
    path = folder / RECORD
    record = converted(read_table(path), TrashRecord, path)
    own = f"runs/{record.run}"
    inside = all(
        p == own or (p.startswith(f"{own}/") and ".." not in p.split("/")) for p in record.paths
    )
    if record.run != run_of_entry(folder.name) or not inside:
        raise RunError(f"{path}: names files that are not of {run_of_entry(folder.name)}")
    return record


def _move(source: Path, target: Path) -> None:
    """Rename a path, creating the folders above its new place; a missing source is skipped.

    Raises:
        RunError: it cannot be renamed.
    """
    if not os.path.lexists(source):
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise RunError(
                f"{source}: is on another file system than the trash; --now removes it for good"
            ) from error
        raise RunError(f"{source}: cannot be moved ({error.strerror or error})") from error


def _drop_if_empty(folder: Path) -> None:
    """Remove an entry's folder if nothing that was removed is left in it."""
    files = folder / FILES
    if not any(path.is_symlink() or not path.is_dir() for path in files.rglob("*")):
        shutil.rmtree(folder, ignore_errors=True)
