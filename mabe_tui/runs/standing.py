"""How a followed run stands, kept up to date by what it says."""

import datetime as dt
from collections.abc import Iterable

from core.events import AnyEvent, Step, System, identity
from core.history import fold
from core.rundir import RunDir
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.reading import thin_history
from mabe_tui.runs.view import RunSummary, summarise


class Standing:
    """The summary of a run that is under way, without reading its files again and again.

    Of the signs of life only each attempt's latest is kept: the summary needs no other.

    Args:
        run: what it has said so far is read at once.

    Raises:
        RunError: its ``run.toml`` cannot be read.
    """

    def __init__(self, run: RunDir) -> None:
        self._request = run.read_request()
        self._events: dict[object, AnyEvent] = {}
        said = thin_history(run)
        self.hear([*said.superseded, *said.events])

    @property
    def epochs(self) -> int:
        """How many it was asked for."""
        return self._request.experiment.training.epochs

    def hear(self, events: Iterable[AnyEvent]) -> None:
        """Take in what the run said, in any order; what was heard before changes nothing."""
        for event in events:
            sign = isinstance(event, Step | System)
            key = (event.attempt, type(event)) if sign else identity(event)
            known = self._events.get(key)
            if known is None or known.seq < event.seq:
                self._events[key] = event

    def summary(self, now: dt.datetime) -> RunSummary:
        """Sum up what was heard so far, as of a run that is running."""
        return summarise(self._request, fold(self._events.values()), RunState.RUNNING, now)
