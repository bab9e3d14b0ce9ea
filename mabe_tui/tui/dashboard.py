"""The interface of the dashboard that screens use: data, work in threads, and opening other screens."""

import datetime as dt
import math
import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from textual.app import App
from textual.notifications import Notification, Notify
from textual.reactive import reactive

from core.errors import UserError
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.view_state import ViewState
from mabe_tui.runs.session import Session
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.videos.wish import VideoWish
from mabe_tui.tui.desktop import desktop_notice
from mabe_tui.tui.key_queue import KeyQueue
from mabe_tui.tui.messages import Done, Progressed, RunChanged, WorkFailed
from mabe_tui.tui.notices import Notice
from mabe_tui.tui.work import in_thread, outcome

Clock = Callable[[], dt.datetime]
NOTICES_KEPT = 200
NO_NEWS_SECONDS = 5.0
"""How long after a requested stop the end of a run counts as requested."""


def utc_now() -> dt.datetime:
    """Return the current time of day."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the dashboard was started."""

    run: str | None = None
    """The run to open; ``None`` for the home screen."""
    replay: bool = False
    """Whether to replay that run from its beginning."""
    readonly: bool = False
    ascii_only: bool = False
    theme: str | None = None
    colours: Mapping[str, str] = field(default_factory=dict)
    """Colours of the settings file, over those of every theme."""
    bell: bool = False
    """Whether to ring the terminal's bell with every notice of a run."""
    desktop: bool = False
    """Whether the terminal should also show these notices on the desktop."""


class Dashboard(App[None]):
    """The app as its screens know it; :class:`~mabe_tui.tui.app.MabeApp` implements it.

    Screens import this class, and the app imports the screens: so neither needs a deferred import.
    """

    working: reactive[dict[str, str]] = reactive(dict)
    """Run → progress of the work requested for it."""
    noticed: reactive[int] = reactive(0)
    """Number of notices so far; :attr:`notices` has them."""
    registry_problem: reactive[str | None] = reactive(None)
    """Why the registry in use is not the one on disk; ``None`` if it is."""

    def __init__(
        self, session: Session, options: Options | None = None, clock: Clock = utc_now
    ) -> None:
        super().__init__()
        self.session = session
        self.options = options or Options()
        self.now = clock
        self.store = RunStore(session.home)
        self.catalog = Catalog(self.store)
        self.view_state = ViewState(session.home)
        self.typed = KeyQueue(self)
        """Keys that have not been delivered yet."""
        self.notices: deque[Notification] = deque(maxlen=NOTICES_KEPT)
        """The newest notices, oldest first."""
        self._stopped: dict[str, float] = {}
        """When a run that was asked to stop had done so; infinite until then."""

    def open_run(self, run: str, *, replay: bool = False, instead: bool = False) -> None:
        """Follow a run.

        Args:
            run: the run's id.
            replay: replay the run from its beginning.
            instead: replace the current screen instead of opening on top of it.
        """
        raise NotImplementedError

    def open_comparison(self, names: Sequence[str]) -> None:
        """Compare versions, runs or checkpoints."""
        raise NotImplementedError

    def open_checkpoints(self, run: str) -> None:
        """List the checkpoints of a run."""
        raise NotImplementedError

    def open_videos(self, run: str, wish: VideoWish | None = None) -> None:
        """Show the validation videos of a run.

        Args:
            run: the run's id.
            wish: what to show first.
        """
        raise NotImplementedError

    def open_examples(self, run: str) -> None:
        """Show the validation examples that a run got most wrong."""
        raise NotImplementedError

    def open_history(self, version: str | None) -> None:
        """Show the history of a version's lineage, or of all versions."""
        raise NotImplementedError

    def open_launch(self, version: str) -> None:
        """Open the launch form of a version."""
        raise NotImplementedError

    def do(self, work: Callable[[], str], about: str, ends: bool = False) -> None:
        """Run work that the user requested, in a thread that continues when its screen closes.

        Its result or error is shown as a notice; then all open screens are notified.

        Args:
            work: blocking; returns a one-line message about what was done.
            about: the run that it changes.
            ends: whether it stops the run; its result then announces the end, so no other notice does.
        """

        async def run() -> None:
            if ends:
                self._stopped[about] = math.inf
            message = await in_thread(lambda: outcome(lambda: Done(work())))
            if ends:
                self._stopped[about] = self.seconds()
            self.working.pop(about, None)
            self.mutate_reactive(Dashboard.working)
            failed = isinstance(message, WorkFailed)
            if isinstance(
                message, (Done, WorkFailed)
            ):  # the screen that started the work may be gone
                self.notify(
                    message.text, severity="error" if failed else "information", markup=False
                )
            for screen in self.screen_stack:
                screen.post_message(RunChanged(about))

        self.run_worker(run(), group="doing", exit_on_error=False)

    def reread_registry(self) -> None:
        """Reload the registry if it was edited; if it is broken, report that and keep the old one.

        May be called from any thread.
        """
        try:
            self.session.reread()
        except UserError as error:
            text = f"the registry stays as it was: {error}"
            self.notify(text, severity="error", markup=False)
        self.call_later(self._mark_registry)

    def _mark_registry(self) -> None:
        self.registry_problem = self.session.registry_problem

    def on_notify(self, event: Notify) -> None:
        """Keep a notice in the list. Textual's toasts are hidden: they cover what they speak of."""
        self.notices.append(event.notification)
        self.noticed += 1

    def on_progressed(self, message: Progressed) -> None:
        """Record the progress of a piece of work for the line above the footer."""
        self.working[message.about] = message.text
        self.mutate_reactive(Dashboard.working)

    def seconds(self) -> float:
        """Return a monotonic time in seconds."""
        return time.monotonic()

    def tell(self, notice: Notice) -> None:
        """Show a notice about a run; ring the bell and show it on the desktop if requested.

        The end of a run that the user has just stopped is not announced.
        """
        since = self.seconds() - self._stopped.get(notice.run, -math.inf)
        if notice.severity == "information" and since < NO_NEWS_SECONDS:
            return
        self.notify(notice.text, severity=notice.severity, markup=False, timeout=10)
        if self.options.bell:
            self.bell()
        if self.options.desktop:
            self.to_terminal(desktop_notice(notice.text, os.environ))

    def to_terminal(self, sequence: str) -> None:
        """Write a sequence to the terminal that is not part of the screen, as Textual does for the bell."""
        driver = getattr(self, "_driver", None)
        if not self.is_headless and driver is not None:
            driver.write(sequence)
