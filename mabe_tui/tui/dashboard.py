"""What every screen can reach of the dashboard: its data, its work in threads, and the screens it opens."""

import datetime as dt
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.app import App
from textual.reactive import reactive

from core.errors import UserError
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.view_state import ViewState
from mabe_tui.runs.session import Session
from mabe_tui.runs.store import RunStore
from mabe_tui.tui.desktop import desktop_notice
from mabe_tui.tui.key_queue import KeyQueue
from mabe_tui.tui.messages import Done, Problem, Progressed, RunChanged
from mabe_tui.tui.notices import Notice
from mabe_tui.tui.work import in_thread, outcome

Clock = Callable[[], dt.datetime]
NO_NEWS_SECONDS = 5.0
"""For so long after a run was asked to stop, that it ended is what was asked for."""


def utc_now() -> dt.datetime:
    """Return the time of day."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the dashboard was started."""

    run: str | None = None
    """The run to open; ``None``: the home screen."""
    replay: bool = False
    """Play that run from its beginning."""
    readonly: bool = False
    ascii_only: bool = False
    theme: str | None = None
    bell: bool = False
    """Ring the terminal's bell with every notice of a run."""
    desktop: bool = False
    """Have the terminal show these notices on the desktop."""


class Dashboard(App[None]):
    """The app as its screens know it; :class:`~mabe_tui.tui.app.MabeApp` is the one that is run.

    Screens import this class, and the app imports the screens: so neither needs a hidden import.
    """

    working: reactive[dict[str, str]] = reactive(dict)
    """Run → how far what was asked for it is."""

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
        self._stopped: dict[str, float] = {}
        """When a run that was to stop had done so; infinite until then."""

    def open_run(self, run: str, *, replay: bool = False, instead: bool = False) -> None:
        """Follow a run.

        Args:
            run: its id.
            replay: play it from its beginning.
            instead: in place of the screen that is on top.
        """
        raise NotImplementedError

    def open_comparison(self, names: Sequence[str]) -> None:
        """Compare versions, runs or checkpoints."""
        raise NotImplementedError

    def open_checkpoints(self, run: str) -> None:
        """List the checkpoints of a run."""
        raise NotImplementedError

    def open_videos(self, run: str) -> None:
        """Watch the validation videos of a run."""
        raise NotImplementedError

    def open_launch(self, version: str) -> None:
        """Launch a version."""
        raise NotImplementedError

    def do(self, work: Callable[[], str], about: str, ends: bool = False) -> None:
        """Do what a person asked for, in a thread that goes on when its screen is left.

        Its last word, or what went wrong, becomes a notice; then all open screens are told.

        Args:
            work: blocking; gives one line on what was done.
            about: the run that it changes.
            ends: it stops the run. Its last word says how that went; that it ended is then no news.
        """

        async def run() -> None:
            if ends:
                self._stopped[about] = math.inf
            message = await in_thread(lambda: outcome(lambda: Done(work())))
            if ends:
                self._stopped[about] = self.seconds()
            self.working.pop(about, None)
            self.mutate_reactive(Dashboard.working)
            failed = isinstance(message, Problem)
            if isinstance(message, (Done, Problem)):  # the screen that asked may be gone
                self.notify(
                    message.text, severity="error" if failed else "information", markup=False
                )
            for screen in self.screen_stack:
                screen.post_message(RunChanged(about))

        self.run_worker(run(), group="doing", exit_on_error=False)

    def reread_registry(self) -> None:
        """Take in what was edited in the registry; a broken one is told, and stays as it was.

        From any thread.
        """
        try:
            self.session.reread()
        except UserError as error:
            text = f"the registry stays as it was: {error}"
            self.notify(text, severity="error", markup=False)

    def on_progressed(self, message: Progressed) -> None:
        """Keep how far a piece of work is, for the line above the footer."""
        self.working[message.about] = message.text
        self.mutate_reactive(Dashboard.working)

    def seconds(self) -> float:
        """Return a clock that only goes forward, to measure with."""
        return time.monotonic()

    def tell(self, notice: Notice) -> None:
        """Show a notice of a run; ring the bell, and show it on the desktop, where that was asked for.

        What a person has just asked for is no news.
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
        """Send the terminal what is no part of the screen, as Textual sends the bell."""
        if not self.is_headless and self._driver is not None:
            self._driver.write(sequence)
