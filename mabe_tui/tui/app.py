"""The dashboard: which screens there are, themes, and what every screen can reach."""

import datetime as dt
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from mabe_tui.runs.session import Session
from mabe_tui.runs.store import RunStore
from mabe_tui.tui.keys import KEYS, bindings, spelled
from mabe_tui.tui.screens.base import MabeScreen
from mabe_tui.tui.screens.help import HelpScreen
from mabe_tui.tui.screens.home import HomeScreen
from mabe_tui.tui.themes import DARK, THEMES

Clock = Callable[[], dt.datetime]


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the dashboard was started."""

    readonly: bool = False
    ascii_only: bool = False
    theme: str | None = None
    bell: bool = False
    """Ring the terminal's bell with every notice of a run."""


class MabeApp(App[None]):
    """The dashboard over one session's registry and runs. Quitting it stops nothing."""

    TITLE = "mabe"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")

    def __init__(
        self, session: Session, options: Options | None = None, clock: Clock = _utc_now
    ) -> None:
        super().__init__()
        self.session = session
        self.options = options or Options()
        self.now = clock
        self.store = RunStore(session.home)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.options.theme or DARK

    def on_mount(self) -> None:
        """Open the home screen."""
        self.set_class(self.options.ascii_only, "ascii")
        self.push_screen(HomeScreen())

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer in the palette what the keys of this screen do."""
        places = screen.PLACES if isinstance(screen, MabeScreen) else ()
        for place in (*places, "app"):
            for key in KEYS[place]:
                target = self if place == "app" else screen
                action = key.action.partition("(")[0]
                if target.check_action(action, ()) and hasattr(target, f"action_{action}"):
                    yield SystemCommand(
                        key.label, f"{key.help} ({spelled(key)})", _runner(target, key.action)
                    )

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
