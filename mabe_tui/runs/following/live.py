"""One run, followed for a screen: what is new of it, kept up to date at little cost."""

import datetime as dt
from dataclasses import dataclass
from typing import Protocol

from core.run.events import ENDINGS, AnyEvent
from core.run.history import History
from core.run.request import RunRequest
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import Launcher, RunState
from mabe_tui.runs.following.alerts import Alert, AlertWatch
from mabe_tui.runs.following.run_log import RunLog, Spell
from mabe_tui.runs.reading.event_files import EventReader
from mabe_tui.runs.reading.growing import Folded
from mabe_tui.runs.reading.points import Points
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.run_summary import RunSummary, summary_from

STATE_SECONDS = 1.0
"""How often the launcher is asked how the run is, where nothing new suggests that it has ended."""


@dataclass(frozen=True, slots=True)
class Update:
    """What one poll brought."""

    events: tuple[AnyEvent, ...] = ()
    """In the order they came; each once."""
    new_lines: int = 0
    """Of the log, at its end; read them with ``log.lines(log.stop - new_lines, new_lines)``."""
    alerts: tuple[Alert, ...] = ()


class RunSource(Protocol):
    """What a run's screen shows: a run that is followed, or one that is replayed."""

    @property
    def request(self) -> RunRequest:
        """What was asked."""
        ...

    @property
    def points(self) -> Points:
        """All numbers so far, as arrays."""
        ...

    @property
    def history(self) -> History:
        """The history so far, without most of the signs of life."""
        ...

    @property
    def state(self) -> RunState:
        """As it was at the last poll."""
        ...

    @property
    def log(self) -> RunLog:
        """What the run printed so far."""
        ...

    def poll(self, now: dt.datetime | None = None) -> Update:
        """Take in what is new."""
        ...

    def summary(self, now: dt.datetime | None = None) -> RunSummary:
        """Sum it up as it is now."""
        ...


class LiveRun(Folded):
    """Follows a run's files here; nothing is read twice. One thread polls and reads.

    A run elsewhere is followed while its launcher's ``following(run)`` is open, which is the caller's
    affair.

    Args:
        run: which.
        launcher: tells how it is.
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
        """Take in what is new of its events and its log."""
        now = now or dt.datetime.now(dt.UTC)
        if self._asked is None or (now - self._asked).total_seconds() >= STATE_SECONDS:
            self._ask(now)  # first: what is read afterwards can only be newer
        events = self._fold.feed(self._reader.read())
        self.history.unreadable = self._reader.damages()
        if any(isinstance(event, ENDINGS) for event in events):
            self._ask(now)
        lines = self.log.poll()
        last = self.history.events[-1].time if self.history.events else now
        silent = (now - last).total_seconds()
        return Update(tuple(events), lines, self._watch.look(events, self.state, silent))

    def summary(self, now: dt.datetime | None = None) -> RunSummary:
        """Sum the run up, as of the last poll."""
        return summary_from(self._entry, self.history, self.state, now or dt.datetime.now(dt.UTC))

    def _ask(self, now: dt.datetime) -> None:
        self.state, self._asked = self.launcher.state(self.run), now
