"""The dashboard: which screens there are, themes, and what every screen can reach."""

import datetime as dt
import math
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events
from textual._compositor import CompositorUpdate
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.filter import LineFilter
from textual.reactive import reactive
from textual.screen import Screen

from core.errors import UserError
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.view_state import ViewState
from mabe_tui.runs.session import Session
from mabe_tui.runs.store import RunStore
from mabe_tui.tui.ascii_filter import AsciiFilter
from mabe_tui.tui.cell_diff import CellUpdate, TerminalCells
from mabe_tui.tui.desktop import desktop_notice
from mabe_tui.tui.key_queue import KeyQueue
from mabe_tui.tui.keys import KEYS, bindings
from mabe_tui.tui.messages import Done, Problem, Progressed, RunChanged
from mabe_tui.tui.notices import Notice
from mabe_tui.tui.screens.base import MabeScreen
from mabe_tui.tui.screens.dialogs.help import HelpScreen
from mabe_tui.tui.screens.home.screen import HomeScreen
from mabe_tui.tui.themes import DARK, THEMES
from mabe_tui.tui.work import in_thread, outcome

Clock = Callable[[], dt.datetime]
NO_NEWS_SECONDS = 5.0
"""For so long after a run was asked to stop, that it ended is what was asked for."""


def _utc_now() -> dt.datetime:
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


class MabeApp(App[None]):
    """The dashboard over one session's registry and runs. Quitting it stops nothing."""

    TITLE = "mabe"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")
    working: reactive[dict[str, str]] = reactive(dict)
    """Run → how far what was asked for it is."""

    def __init__(
        self, session: Session, options: Options | None = None, clock: Clock = _utc_now
    ) -> None:
        super().__init__()
        self.session = session
        self.options = options or Options()
        self.now = clock
        self.store = RunStore(session.home)
        self.catalog = Catalog(self.store)
        self.view_state = ViewState(session.home)
        self._cells = TerminalCells()
        self.typed = KeyQueue(self)
        """Keys that have not been delivered yet."""
        self._stopped: dict[str, float] = {}
        """When a run that was to stop had done so; infinite until then."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.options.theme or DARK

    def on_mount(self) -> None:
        """Open the home screen."""
        self.set_class(self.options.ascii_only, "ascii")
        self.push_screen(HomeScreen())
        if self.options.run is not None:
            from mabe_tui.tui.screens.run.screen import (
                RunScreen,  # late: the home screen needs no charts
            )

            self.push_screen(RunScreen(self.options.run, replay=self.options.replay))

    def _display(self, screen: Screen[object], renderable: Any) -> None:
        if isinstance(renderable, CompositorUpdate) and not self.is_inline:
            renderable = CellUpdate(self._cells, renderable)
        super()._display(screen, renderable)

    async def on_event(self, event: events.Event) -> None:
        """Take keys in turn, and draw the screen anew after what may have cost the terminal some of it."""
        is_typed = isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded
        if is_typed and not self.typed.admits(event):
            return
        await super().on_event(event)
        # A terminal that was made smaller and large again has lost cells, and its size is the same.
        if isinstance(event, (events.Resize, events.AppFocus)):
            self.action_repaint()

    def action_repaint(self) -> None:
        """Draw every cell of the screen anew, whatever the terminal shows."""
        self._cells.forget()
        if self.screen_stack:
            self.refresh()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Let nothing but ASCII through, where that was asked for."""
        filters = super().get_line_filters()
        return [*filters, AsciiFilter()] if self.options.ascii_only else filters

    def get_key_display(self, binding: Binding) -> str:
        """Write a key for the footer; in ASCII, enter as a word short enough for 80 columns."""
        if self.options.ascii_only and binding.key == "enter":
            return "ent"
        return super().get_key_display(binding)

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
            self.mutate_reactive(MabeApp.working)
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
        self.mutate_reactive(MabeApp.working)

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

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer in the palette what the keys of this screen do."""
        places = screen.PLACES if isinstance(screen, MabeScreen) else ()
        for place in (*places, "app"):
            for key in KEYS[place]:
                target = self if place == "app" else screen
                action = key.action.partition("(")[0]
                if target.check_action(action, ()) and hasattr(target, f"action_{action}"):
                    yield SystemCommand(
                        key.label, f"{key.help} ({key.spelled})", _runner(target, key.action)
                    )

    async def run_action(
        self,
        action: str | tuple[str, str, tuple[object, ...]],
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Do an action, or say why it is not possible now."""
        if await super().run_action(action, default_namespace, namespaces):
            return True
        target, name, _ = self._parse_action(action, default_namespace or self, namespaces)
        why = target.why_not(name) if isinstance(target, MabeScreen) else None
        if why is not None:
            self.notify(why, severity="warning", markup=False)
        return why is not None

    def action_help(self) -> None:
        """Show the keys of the current screen."""
        screen = self.screen
        places = screen.PLACES if isinstance(screen, MabeScreen) else ()
        self.push_screen(HelpScreen(places))

    def action_next_theme(self) -> None:
        """Change to the next of our themes."""
        names = [theme.name for theme in THEMES]
        at = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(at + 1) % len(names)]


def _runner(target: App[None] | Screen[object], action: str) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        await target.run_action(action)

    return run
