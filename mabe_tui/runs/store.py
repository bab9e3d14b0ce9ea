"""All runs of one home folder, and the lookup of a run by a typed name."""

import datetime as dt
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from core.config.strict import nearest
from core.errors import RunError
from core.run import places
from core.run.records import Handle
from core.run.request import RunRequest
from core.run.rundir import RUN_ID, RunDir
from core.run.trash import trashed_runs

LAST = "last"
STUDY_TAG = "tune:"
"""Prefix of the tags of a study's trials; the study's name follows."""
FOLDS_TAG = "folds:"
"""Prefix of the tag that the fold runs of one start share; the first run's short id follows."""
CANDIDATES_SHOWN = 5
LETTERS = 4
"""Suffix of an id."""
_PARTS = re.compile(r"(?P<version>.+)-(?P<time>\d{8}T\d{6})-(?P<letters>[a-z0-9]{4})")


@dataclass(frozen=True)
class RunEntry:
    """One folder among the runs. Its ``run.toml`` is read on first use."""

    run: RunDir

    @property
    def id(self) -> str:
        """The run's id."""
        return self.run.id

    @property
    def short(self) -> str:
        """The id without its time, as in ``v6-k3f9``; the whole id if it is not a run's name."""
        return short_id(self.id)

    @property
    def version(self) -> str:
        """The experiment, from the folder's name; empty if that is not a run's name."""
        parts = _PARTS.fullmatch(self.id)
        return parts["version"] if parts else ""

    @cached_property
    def is_trial(self) -> bool:
        """Return whether `mabe tune` started it, by its tags; ``False`` if the tags cannot be read."""
        try:
            tags = self.run.read_about().tags
        except RunError:
            return False
        return any(tag.startswith(STUDY_TAG) for tag in tags)

    @property
    def is_import(self) -> bool:
        """Return whether it was imported from an old log; ``False`` if it cannot be read."""
        return self.request is not None and self.request.imported

    @cached_property
    def request(self) -> RunRequest | None:
        """The run's request, or ``None`` if it cannot be read: see :attr:`problem`."""
        return self._read[0]

    @property
    def problem(self) -> str | None:
        """Why the run cannot be read, on one line; ``None`` if it can."""
        return self._read[1]

    def require_request(self) -> RunRequest:
        """Return the run's request.

        Raises:
            RunError: it cannot be read; says why.
        """
        if self.request is None:
            raise RunError(self.problem or f"{self.run.path}: cannot be read")
        return self.request

    @cached_property
    def _read(self) -> tuple[RunRequest | None, str | None]:
        try:
            return self.run.read_request(), None
        except RunError as error:
            return None, str(error)


class RunStore:
    """The runs below one home folder, which may not exist yet."""

    def __init__(self, home: Path) -> None:
        self.folder = places.runs(home)

    def entries(self) -> list[RunEntry]:
        """Return all folders, newest first, including unreadable ones."""
        entries = [RunEntry(RunDir(path)) for path in self._folders()]
        return sorted(entries, key=_age_key, reverse=True)

    def handles(self) -> Iterator[Handle]:
        """Return the handles of all runs that have one."""
        for entry in self.entries():
            if (handle := entry.run.read_handle()) is not None:
                yield handle

    def find(self, name: str) -> RunEntry:
        """Find one run: by its id, ``last``, a version (its latest run), a unique prefix, or its letters.

        The letters are the last four of the id, alone or after the version: ``k3f9``, ``v6-k3f9``.

        The latest is the latest that is not a trial of a study, if there is any such run. A run imported
        from an old log is found only by its own name.

        Raises:
            RunError: there is none, or there are several; names the nearest, or the candidates.
        """
        entries = self.entries()
        if not entries:
            self._require_untrashed(name)
            raise RunError(f"{self.folder}: no runs yet; `mabe run VERSION` starts one")
        if name == LAST:
            return _latest(entries, "here")[0]
        for matches in (
            [entry for entry in entries if entry.id == name],
            _latest([entry for entry in entries if entry.version == name], f"of {name}"),
            [entry for entry in entries if name and entry.id.startswith(name)],
            [entry for entry in entries if name in (entry.short, entry.id[-LETTERS:])],
        ):
            if len(matches) == 1:
                return matches[0]
            if matches:
                raise RunError(f"{name!r} could be any of {_some(matches)}; type more of it")
        self._require_untrashed(name)
        known = [*dict.fromkeys(entry.version for entry in entries if entry.version)]
        near = nearest(name, [*known, LAST, *(entry.id for entry in entries)])
        hint = near if near.startswith("; did") else f"; there are runs of {', '.join(known)}"
        raise RunError(f"no run {name!r}{hint} (`mabe runs` lists them)")

    def _require_untrashed(self, name: str) -> None:
        """Reject the name of a run that is in the trash as a whole.

        Raises:
            RunError: says how to restore it.
        """
        gone = (run for run in trashed_runs(self.folder.parent) if not (self.folder / run).exists())
        for run in gone:
            if name in (run, short_id(run), run[-LETTERS:]):
                raise RunError(f"{run} is in the trash; `mabe restore {run}` brings it back")

    def _folders(self) -> list[Path]:
        try:
            with os.scandir(self.folder) as found:  # classifies all folders without reading each
                return [Path(e.path) for e in found if e.is_dir() and not e.name.startswith(".")]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RunError(
                f"{self.folder}: cannot be listed ({error.strerror or error})"
            ) from error


def short_id(name: str) -> str:
    """Return a run's id without its time; anything else unchanged."""
    parts = _PARTS.fullmatch(name)
    return f"{parts['version']}-{parts['letters']}" if parts else name


def is_run_id(name: str) -> bool:
    """Return whether a folder's name is a valid run id."""
    return RUN_ID.fullmatch(name) is not None


def _latest(newest_first: Sequence[RunEntry], which: str) -> list[RunEntry]:
    """Return the newest run that is not a trial, else the newest; ``None`` if there are no runs.

    Raises:
        RunError: all were imported.
    """
    own = next((e for e in newest_first if not e.is_trial and not e.is_import), None)
    chosen = own or next((e for e in newest_first if not e.is_import), None)
    if chosen is None and newest_first:
        raise RunError(f"all runs {which} are imported; name one by its id: {_some(newest_first)}")
    return [chosen] if chosen is not None else []


def _age_key(entry: RunEntry) -> tuple[str, int, str]:
    """Sort by the time in the id; runs of the same second, by when their folder was created."""
    parts = _PARTS.fullmatch(entry.id)
    try:
        changed = (entry.run.path / "run.toml").stat().st_mtime_ns
    except OSError:
        changed = 0
    if parts:
        return parts["time"], changed, entry.id
    changed_at = dt.datetime.fromtimestamp(changed / 1e9, dt.UTC)
    return f"{changed_at:%Y%m%dT%H%M%S}", changed, entry.id


def _some(entries: Sequence[RunEntry]) -> str:
    shown = ", ".join(entry.id for entry in entries[:CANDIDATES_SHOWN])
    more = len(entries) - CANDIDATES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
