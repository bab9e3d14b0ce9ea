"""One run, followed for a screen: kept up to date at little cost."""

import datetime as dt
from dataclasses import dataclass
from typing import Protocol

from core.run.events import ENDINGS, AnyEvent
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import Launcher, RunState
from mabe_tui.runs.curves.panels import Numbered
from mabe_tui.runs.following.alerts import Alert, AlertWatch
from mabe_tui.runs.following.run_log import RunLog, Spell
from mabe_tui.runs.reading.event_files import EventReader
from mabe_tui.runs.reading.growing import Folded
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.run_summary import RunSummary, summary_from

STATE_SECONDS = 1.0
"""Seconds between two queries of the launcher while nothing new suggests that the run has ended."""


@dataclass(frozen=True, slots=True)
class Update:
    """The result of one poll."""

    events: tuple[AnyEvent, ...] = ()
    """New events in the order they came, each once."""
    new_lines: int = 0
    """Number of new lines at the log's end; read them with ``log.lines(log.stop - new_lines, new_lines)``."""
    alerts: tuple[Alert, ...] = ()


class RunSource(Numbered, Protocol):
    """The source of a run's screen: a run that is followed, or one that is replayed."""

    @property
    def state(self) -> RunState:
        """The state at the last poll."""
        ...

    @property
    def log(self) -> RunLog:
        """The output of the run so far."""
        ...

    def poll(self, now: dt.datetime | None = None) -> Update:
        """Read what is new."""
        ...

    def summary(self, now: dt.datetime | None = None) -> RunSummary:
        """Summarise the run in its current state."""
        ...


class LiveRun(Folded):
    """Follows a run's local files; nothing is read twice. One thread polls and reads.

    A run elsewhere is followed while its launcher's ``following(run)`` is open, which the caller has
    to manage.

    Args:
        run: the run to follow.
        launcher: reports its state.
        spell: see :class:`~mabe_tui.runs.following.run_log.RunLog`.

    Raises:
        RunError: its ``run.toml`` cannot be read.
    """

    def __init__(self, run: RunDir, launcher: Launcher, spell: Spell | None = None) -> None:
        super().__init__()
        self.run, self.launcher = run, launcher
        self.request = run.read_request()
        self.log = RunLog(run, spell)
        self.state = RunState.UNKNOWN
        self._entry = RunEntry(run)
        self._reader = EventReader(run)
        self._watch = AlertWatch()
        self._asked: dt.datetime | None = None

    def poll(self, now: dt.datetime | None = None) -> Update:
        """Read new events and log lines."""
        now = now or dt.datetime.now(dt.UTC)
        if self._asked is None or (now - self._asked).total_seconds() >= STATE_SECONDS:
            self._ask(now)  # first: anything read afterwards can only be newer
        events = self._fold.feed(self._reader.read())
        self.history.unreadable = self._reader.damages()
        if any(isinstance(event, ENDINGS) for event in events):
            self._ask(now)
        lines = self.log.poll()
        last = self.history.events[-1].time if self.history.events else now
        silent = (now - last).total_seconds()
        return Update(tuple(events), lines, self._watch.look(events, self.state, silent))

    def summary(self, now: dt.datetime | None = None) -> RunSummary:
        """Summarise the run, as of the last poll."""
        return summary_from(self._entry, self.history, self.state, now or dt.datetime.now(dt.UTC))

    def _ask(self, now: dt.datetime) -> None:
        self.state, self._asked = self.launcher.state(self.run), now
