"""Query the launchers of several runs in parallel, and fetch their latest events."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from core.errors import UserError
from mabe_tui.launch import unknown
from mabe_tui.launch.launcher import RunState, launcher_named
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.run_summary import state_of

ASKED_AT_ONCE = 8


class Heard(NamedTuple):
    """The answer for one run."""

    state: RunState
    problem: str | None = None
    """Why the local files may be outdated."""


def refresh(entries: Sequence[RunEntry]) -> list[str]:
    """Fetch the latest events of runs elsewhere, in parallel; return the reasons for failures.

    Runs that have ended, and local runs, are not queried.
    """
    elsewhere = [e for e in entries if e.request is not None and e.request.launcher != "local"]
    return list(dict.fromkeys(heard.problem for heard in hear_all(elsewhere) if heard.problem))


def hear_all(entries: Sequence[RunEntry]) -> list[Heard]:
    """Query the states of runs in parallel, and fetch the latest events of those that may have new ones."""
    with ThreadPoolExecutor(max_workers=ASKED_AT_ONCE) as pool:
        return list(pool.map(_hear, entries))


def _hear(entry: RunEntry) -> Heard:
    state = state_of(entry)
    if entry.request is None or not state.may_speak:
        return Heard(state)
    try:
        launcher_named(entry.request.launcher).sync(entry.run, quick=True)
    except UserError as error:
        return Heard(state, str(error))
    if state is RunState.UNKNOWN:
        return Heard(state, unknown.reason_of(entry.run))
    # A run whose first events arrived only now is no longer queued.
    return Heard(state_of(entry) if state is RunState.QUEUED else state)
