"""Start a run again: the same settings, seed and data, with a word on everything that differs now."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from core.errors import DataError, RunError
from core.run.code_version import code_version
from core.run.limits import Limits
from core.run.request import RunRequest
from core.run.rundir import new_run_id
from mabe_tui.launch.launcher import launcher_named
from mabe_tui.runs.actions.changes import changed_data
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.provenance import differences_from_here


class Again(NamedTuple):
    """A run to start again."""

    request: RunRequest
    differences: tuple[str, ...]
    """A sentence for each thing that is not as it was."""


def again(
    entry: RunEntry,
    launcher: str | None = None,
    data: Path | None = None,
    limits: Limits | None = None,
) -> Again:
    """Build the request of a run that repeats another; touches no file.

    Its settings are those that the other run had, whatever the registry says now. Its limits are new.

    Args:
        entry: the run to repeat.
        launcher: where to run; ``None``: where the other ran.
        data: where the data are now; ``None``: where they were.
        limits: of the new run.

    Raises:
        DataError: the data folder is gone, or cannot be read.
        RunError: the run cannot be read, or was imported from a log.
        UserError: the run is not possible there.
    """
    before = entry.require_request()
    if before.imported:
        raise RunError(f"{entry.id} was imported: its log does not say with which settings it ran")
    if data is not None:
        before = msgspec.structs.replace(before, data=str(data.resolve()))
    now = dt.datetime.now(dt.UTC)
    where = launcher_named(launcher or before.launcher)
    asked = msgspec.structs.replace(
        before,
        run=new_run_id(before.experiment.name, now),
        created=now,
        launcher=where.name,
        limits=limits or Limits(),
        resolved=None,
    )
    return Again(where.prepare(asked), tuple(_differences(entry, before)))


def _differences(entry: RunEntry, before: RunRequest) -> Iterator[str]:
    resolved = before.resolved
    if resolved is not None and (here := code_version()) != resolved.code_version:
        yield f"the sources of core: {resolved.code_version} → {here}"
    yield from differences_from_here(entry.run, before)
    try:
        folder = changed_data(entry.run, before)
    except DataError as error:
        raise DataError(f"{error}; --data DIR names where they are now") from error
    if folder is not None:
        yield f"the files in {folder}"
