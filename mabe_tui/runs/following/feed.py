"""One run, kept up to date by a thread of its own, for a screen that must never wait for a file.

Only that thread touches the run's files. It polls them, builds the requested charts, and runs queued
calls between two polls.
"""

import contextvars
import datetime as dt
import queue
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from core.errors import UserError
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import CONNECTED, Connection, Launcher, launcher_named
from mabe_tui.runs.following.alerts import Alert
from mabe_tui.runs.following.chart_cache import ChartCache
from mabe_tui.runs.following.connection import connection_line
from mabe_tui.runs.following.feed_update import (
    GONE,
    FeedRequest,
    FeedUpdate,
    LogBounds,
    ReplayPosition,
)
from mabe_tui.runs.following.live import LiveRun, RunSource, Update
from mabe_tui.runs.following.replay import Replay
from mabe_tui.runs.format.event_text import event_line
from mabe_tui.runs.tasks import spec_of

ALIVE_SECONDS, ENDED_SECONDS, UNSEEN_SECONDS = 0.5, 1.0, 2.0
"""Seconds between two polls: of a live run, of one that has ended, and while the view is hidden."""
SHOWN_SECONDS = 0.9
"""Least seconds between two updates with nothing but more events and more log: a log that scrolls is most
of what a live run writes to the terminal."""
PLAYING_SECONDS = 0.2
"""Seconds between two polls of a replay."""
BETWEEN_SLICES = 0.02
"""Seconds between two slices of a log that is being indexed backwards."""
SUMMED_UP_SECONDS = 1.0
"""Seconds between two updates of times and costs while there are no new events."""
REPLAY_SECONDS = 30.0
"""Approximate duration of a replay at its initial speed."""
SPEEDS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
"""Replay speeds, in seconds of the run per second."""


Clock = Callable[[], dt.datetime]
Job = Callable[[RunSource], None]


class RunFeed:
    """Follows one run in a thread, wherever it runs, until it is closed. It never stops the run.

    Args:
        run: the run to follow.
        on_update: called in the thread with the state to show.
        on_problem: called in the thread with a line about a problem that the user can fix.
        clock: returns the time of day.
    """

    def __init__(
        self,
        run: RunDir,
        on_update: Callable[[FeedUpdate], None],
        on_problem: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self.run = run
        self._on_update, self._on_problem, self._clock = on_update, on_problem, clock
        self._asked: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._request, self._is_requested = FeedRequest(), True
        self._charts = ChartCache()
        self._live: LiveRun
        self._source: RunSource
        self._sent, self._sent_at = LogBounds(), 0.0
        self._has_news = False
        self._polled_at = 0.0
        self._latest: FeedUpdate | None = None
        self._following: str | None = None
        """The attempt whose launcher keeps the local files up to date."""
        self._connection = CONNECTED
        self._troubles: set[str] = set()

    def start(self) -> None:
        """Start the thread. Callbacks run in a copy of the caller's context."""
        context = contextvars.copy_context()
        name = f"feed of {self.run.id}"
        threading.Thread(target=context.run, args=(self._main,), name=name, daemon=True).start()

    def close(self) -> None:
        """Stop the thread soon, after the queued calls."""
        self._closed.set()
        self.ask(lambda _: None)

    def request(self, request: FeedRequest) -> None:
        """Set the visible part; it is reported at once."""

        def take(_: RunSource) -> None:
            self._request, self._is_requested = request, True

        self.ask(take)

    def ask(self, job: Job) -> None:
        """Queue a call for the thread; calls run in order, and ``on_problem`` gets a ``UserError``."""
        self._asked.put(job)

    # ── replay ────────────────────────────────────────────────────────────────────────────────

    def toggle_replay(self) -> None:
        """Play the run from its beginning, or return to its current state."""

        def turn(source: RunSource) -> None:
            if isinstance(source, Replay):
                self._source = self._live
            else:
                self._source = played = Replay(self.run, self._launcher, self._spell)
                played.speed = _first_speed(played.duration)
            self._is_requested, self._polled_at = True, 0.0

        self.ask(turn)

    def toggle_pause(self) -> None:
        """Pause or continue a replay."""

        def turn(source: RunSource) -> None:
            if isinstance(source, Replay):
                source.paused = not source.paused
                self._is_requested = True

        self.ask(turn)

    def change_speed(self, by: int) -> None:
        """Change the replay speed by this many steps of :data:`SPEEDS`."""

        def turn(source: RunSource) -> None:
            if isinstance(source, Replay):
                at = min(range(len(SPEEDS)), key=lambda n: abs(SPEEDS[n] - source.speed))
                source.speed = float(SPEEDS[min(max(at + by, 0), len(SPEEDS) - 1)])
                self._is_requested = True

        self.ask(turn)

    # ── the thread ────────────────────────────────────────────────────────────────────────────

    def _main(self) -> None:
        with ExitStack() as followed:
            try:
                self._open()
            except UserError as error:
                self._on_problem(str(error))
                return
            while not self._closed.is_set():
                if self.run.path.is_dir():
                    self._try_turn(followed)
                else:
                    self._send_gone()
                self._work()

    def _open(self) -> None:
        request = self.run.read_request()
        self._launcher: Launcher = launcher_named(request.launcher)
        self._spell = partial(event_line, spec=spec_of(request.experiment))
        self._live = LiveRun(self.run, self._launcher, self._spell)
        self._source = self._live

    def _try_turn(self, followed: ExitStack) -> None:
        """Run one iteration; report an error, such as a full disk or a missing folder, once and retry."""
        try:
            self._turn()
            self._follow(followed)
        except (UserError, OSError) as error:
            if str(error) not in self._troubles:
                self._troubles.add(str(error))
                self._on_problem(str(error))

    def _turn(self) -> None:
        """Poll if it is time, index more of the log, and report changes."""
        update, now = Update(), time.monotonic()
        if now - self._polled_at >= self._pause():
            self._polled_at = now
            update = self._source.poll(self._clock())
        if not self._request.unseen:
            self._source.log.extend()
        is_old = self._source.state.may_speak and now - self._sent_at >= SUMMED_UP_SECONDS
        bounds = LogBounds.of(self._source)
        self._has_news |= bool(update.events) or bounds != self._sent
        # A long log is indexed in many slices per second: one slice alone is no reason to redraw.
        is_due = now - self._sent_at >= SHOWN_SECONDS or bounds.complete > self._sent.complete
        changed = update.alerts or (self._has_news and is_due) or self._playing
        if self._is_requested or changed or is_old:
            self._is_requested = self._has_news = False
            self._sent, self._sent_at = bounds, now
            self._send(update.alerts)

    def _send(self, alerts: tuple[Alert, ...]) -> None:
        source, request = self._source, self._request
        try:
            charts = self._charts.charts(source, request.charts, request.view)
        except UserError as error:
            self._on_problem(str(error))
            charts = {}
        tail = source.log.lines(source.log.stop - request.tail, request.tail)
        replay = ReplayPosition.of(source) if isinstance(source, Replay) else None
        summary = source.summary(self._clock())
        connection = connection_line(self._connection) if source.state.may_speak else ""
        self._latest = FeedUpdate(
            summary,
            charts,
            self._sent,
            tail,
            alerts,
            replay,
            connection=connection,
            has_free=bool(source.points.free),
        )
        self._on_update(self._latest)

    def _send_gone(self) -> None:
        """Report once that there is nothing left to follow."""
        self._polled_at = time.monotonic()
        if self._latest is not None and not self._latest.is_gone:
            alert = Alert("gone", "error", GONE)
            self._latest = replace(self._latest, alerts=(alert,), replay=None, is_gone=True)
            self._on_update(self._latest)

    def _work(self) -> None:
        """Run the queued calls, waiting for new ones until the next poll."""
        complete = self._source.log.complete or self._request.unseen
        wait = self._pause() - (time.monotonic() - self._polled_at) if complete else BETWEEN_SLICES
        try:
            job = self._asked.get(timeout=max(wait, 0.0))
            while True:
                self._do(job)
                job = self._asked.get_nowait()
        except queue.Empty:
            return

    def _do(self, job: Job) -> None:
        try:
            job(self._source)
        except UserError as error:
            self._on_problem(str(error))

    def _pause(self) -> float:
        if self._request.unseen:
            return UNSEEN_SECONDS
        if self._playing:
            return PLAYING_SECONDS
        return ALIVE_SECONDS if self._source.state.may_speak else ENDED_SECONDS

    @property
    def _playing(self) -> bool:
        source = self._source
        return (
            isinstance(source, Replay) and not source.paused and source.position < source.duration
        )

    def _follow(self, followed: ExitStack) -> None:
        """Keep the local files of a run elsewhere up to date; reconnect after each resume."""
        handle = self.run.read_handle() if self._live.state.may_speak else None
        if handle is None or handle.attempt == self._following:
            return
        self._following = handle.attempt
        followed.close()
        self._connection = CONNECTED
        try:
            followed.enter_context(self._launcher.following(self.run, self._note_connection))
        except UserError as error:
            self._on_problem(f"only what is here already: {error}")

    def _note_connection(self, connection: Connection) -> None:
        """Pass the connection's state on to the following thread."""

        def take(_: RunSource) -> None:
            self._connection, self._is_requested = connection, True

        self.ask(take)


def _first_speed(duration: float) -> float:
    wanted = duration / REPLAY_SECONDS
    return float(next((speed for speed in SPEEDS if speed >= wanted), SPEEDS[-1]))
