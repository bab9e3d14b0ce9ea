"""Replay a run as if it were running now: a screen shows what it showed then."""

import bisect
import datetime as dt
from itertools import pairwise

from core.run.events import AnyEvent, identity
from core.run.rundir import RunDir
from mabe_tui.launch.attempts import STATE_OF_ENDING
from mabe_tui.launch.launcher import Launcher, RunState
from mabe_tui.runs.following.alerts import AlertWatch
from mabe_tui.runs.following.live import Update
from mabe_tui.runs.following.run_log import RunLog, Spell
from mabe_tui.runs.reading.event_files import EventReader
from mabe_tui.runs.reading.growing import Folded, GrowingFold
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.run_summary import RunSummary, summary_from


class Replay(Folded):
    """Replays a run's events by a clock; a :class:`~mabe_tui.runs.following.live.RunSource`.

    The time between two attempts is skipped. Events after the start of the replay are not included.

    Args:
        run: the run to replay.
        launcher: reports the run's state once everything is played.
        spell: see :class:`~mabe_tui.runs.following.run_log.RunLog`.
        speed: seconds of the run per second.

    Raises:
        RunError: its ``run.toml`` cannot be read.
    """

    def __init__(
        self, run: RunDir, launcher: Launcher, spell: Spell | None = None, speed: float = 60.0
    ) -> None:
        super().__init__()
        self.run = run
        self.request = run.read_request()
        self.log = RunLog(run, spell)
        self.state = RunState.QUEUED
        self.speed = speed
        self.paused = False
        self.position = 0.0
        """Seconds of the run that have been played."""
        self._entry = RunEntry(run)
        self._last_state = launcher.state(run)
        self._events = sorted(EventReader(run).read(), key=lambda event: (event.attempt, event.seq))
        self._at = _played_at(self._events)
        self._polled: dt.datetime | None = None
        self._begin()

    @property
    def duration(self) -> float:
        """Seconds from the first event to the last, without the time between attempts."""
        return self._at[-1] if self._at else 0.0

    def poll(self, now: dt.datetime | None = None) -> Update:
        """Play on to ``now``, on the caller's clock."""
        now = now or dt.datetime.now(dt.UTC)
        passed = (now - self._polled).total_seconds() if self._polled is not None else 0.0
        self._polled = now
        if not self.paused:
            self.position = min(self.duration, self.position + max(0.0, passed) * self.speed)
        return self._play()

    def seek(self, position: float) -> None:
        """Seek to a moment, in seconds of the run; after seeking backwards, a poll returns all up to it."""
        self.position = min(max(0.0, position), self.duration)
        if self._played and self.position < self._at[self._played - 1]:
            self._begin()

    def summary(self, now: dt.datetime | None = None) -> RunSummary:  # noqa: ARG002
        """Summarise the run as it was at the played moment; ``now`` is ignored."""
        return summary_from(self._entry, self.history, self.state, self._moment)

    def _begin(self) -> None:
        """Discard the played state."""
        self._fold = GrowingFold()
        self._watch = AlertWatch()
        self._played = 0
        self._shown_to: int | None = None
        """How far the log is shown; ``None``: not at all."""
        self.log.hide_all()

    def _play(self) -> Update:
        stop = bisect.bisect_right(self._at, self.position)
        events = self._fold.feed(self._events[self._played : stop])
        self._played = stop
        self.state = self._state()
        alerts = self._watch.look(events, self.state, 0.0)
        return Update(tuple(events), self._show_lines(events), alerts)

    def _show_lines(self, new: list[AnyEvent]) -> int:
        """Show the log up to the played moment; return the number of new lines."""
        self.log.poll()
        before = self._shown_to
        if new:
            self.log.show_until(identity(new[-1]))
        if self._played == len(self._events):
            self.log.show_until(None)  # its last lines have no event after them
        self._shown_to = self.log.stop if self.log.stop > self.log.first else None
        return self.log.stop - (self.log.first if before is None else before)

    def _state(self) -> RunState:
        if self._played == len(self._events):
            return self._last_state
        if not self._played:
            return RunState.QUEUED
        last = self._events[self._played - 1]
        return STATE_OF_ENDING.get(type(last), RunState.RUNNING)

    @property
    def _moment(self) -> dt.datetime:
        """Return the time of day at the played moment."""
        if not self._played:
            return self.request.created
        since = self.position - self._at[self._played - 1]
        return self._events[self._played - 1].time + dt.timedelta(seconds=since)


def _played_at(events: list[AnyEvent]) -> list[float]:
    """Return the time of each event, never earlier than the one before."""
    moments = [0.0] if events else []
    for before, event in pairwise(events):
        passed = (event.time - before.time).total_seconds()
        same = event.attempt == before.attempt
        moments.append(moments[-1] + (max(0.0, passed) if same else 0.0))
    return moments
