"""The dashboard app: its screens, its themes, and what every screen can reach."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.filter import LineFilter
from textual.screen import Screen

from mabe_tui.runs.listing.brief import run_brief, version_brief
from mabe_tui.runs.session import Session
from mabe_tui.runs.store import short_id
from mabe_tui.runs.videos.wish import VideoWish
from mabe_tui.tui.ascii_filter import AsciiFilter
from mabe_tui.tui.dashboard import Clock, Dashboard, Options, utc_now
from mabe_tui.tui.internals import terminal_cells
from mabe_tui.tui.jumps import complete_jump, open_jump, read_jump
from mabe_tui.tui.keys import KEYS, bindings
from mabe_tui.tui.made_otherwise import MADE_OTHERWISE
from mabe_tui.tui.screens.base import MabeScreen
from mabe_tui.tui.screens.dialogs.entry import EntryScreen
from mabe_tui.tui.screens.dialogs.help import HelpScreen
from mabe_tui.tui.screens.dialogs.notices import NoticesScreen
from mabe_tui.tui.screens.home.screen import HomeScreen
from mabe_tui.tui.settings import coloured
from mabe_tui.tui.themes import DARK, THEMES


class MabeApp(Dashboard):
    """The dashboard over one session's registry and runs. Quitting it stops no run.

    This is the only place that constructs screens. All but the first are imported when they are first opened,
    which keeps startup short.
    """

    TITLE = "mabe"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")

    def __init__(
        self, session: Session, options: Options | None = None, clock: Clock = utc_now
    ) -> None:
        super().__init__(session, options, clock)
        self._cells = terminal_cells()
        for theme in THEMES:
            self.register_theme(coloured(theme, self.options.colours))
        self.theme = self.options.theme or DARK

    def on_mount(self) -> None:
        """Open the home screen."""
        self.set_class(self.options.ascii_only, "ascii")
        self.push_screen(HomeScreen())
        if self.options.run is not None:
            self.open_run(self.options.run, replay=self.options.replay)

    def _display(self, *given: Any) -> None:
        if self._cells is not None and not self.is_inline:
            given = tuple(map(self._cells.lean, given))
        super()._display(*given)

    async def on_event(self, event: events.Event) -> None:
        """Handle keys in order, and repaint the screen after events that may have damaged it."""
        is_typed = isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded
        if is_typed and not self.typed.admits(event):
            return
        await super().on_event(event)
        # A terminal that was shrunk and enlarged again has lost cells although its size is unchanged.
        if isinstance(event, (events.Resize, events.AppFocus)):
            self.action_repaint()

    def action_repaint(self) -> None:
        """Repaint every cell of the screen, whatever the terminal shows."""
        if self._cells is not None:
            self._cells.forget()
        if self.screen_stack:
            self.refresh()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Restrict output to ASCII if that was requested."""
        filters = super().get_line_filters()
        return [*filters, AsciiFilter()] if self.options.ascii_only else filters

    def get_key_display(self, binding: Binding) -> str:
        """Return a key's name for the footer; in ASCII mode, "enter" shortened to fit 80 columns."""
        if self.options.ascii_only and binding.key == "enter":
            return "ent"
        return super().get_key_display(binding)

    def open_run(self, run: str, *, replay: bool = False, instead: bool = False) -> None:
        """Follow a run."""
        from mabe_tui.tui.screens.run.screen import RunScreen

        screen = RunScreen(run, replay=replay)
        self.switch_screen(screen) if instead else self.push_screen(screen)

    def open_comparison(self, names: Sequence[str]) -> None:
        """Compare versions, runs or checkpoints."""
        from mabe_tui.tui.screens.compare.screen import CompareScreen

        self.push_screen(CompareScreen(list(names)))

    def open_checkpoints(self, run: str) -> None:
        """List the checkpoints of a run."""
        from mabe_tui.tui.screens.checkpoints.screen import CheckpointsScreen

        self.push_screen(CheckpointsScreen(run))

    def open_videos(self, run: str, wish: VideoWish | None = None) -> None:
        """Show the validation videos of a run."""
        from mabe_tui.tui.screens.video.screen import VideoScreen

        self.push_screen(VideoScreen(run, wish=wish))

    def open_examples(self, run: str) -> None:
        """Show the validation examples that a run got most wrong."""
        from mabe_tui.tui.screens.examples.screen import ExamplesScreen

        self.push_screen(ExamplesScreen(run))

    def open_history(self, version: str | None) -> None:
        """Show the history of a version's lineage, or of all versions."""
        from mabe_tui.tui.screens.history.screen import HistoryScreen

        self.push_screen(HistoryScreen(version))

    def open_launch(self, version: str) -> None:
        """Open the launch form of a version."""
        from mabe_tui.tui.screens.launch.screen import LaunchScreen

        self.push_screen(LaunchScreen(version))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer this screen's key actions in the command palette."""
        places = screen.PLACES if isinstance(screen, MabeScreen) else ()
        for place in (*places, "app"):
            for key in KEYS[place]:
                target = self if place == "app" else screen
                action = key.action.partition("(")[0]
                if target.check_action(action, ()) and hasattr(target, f"action_{action}"):
                    yield SystemCommand(
                        key.label, f"{key.help} ({key.spelled})", _runner(target, key.action)
                    )
        yield from self._places()

    def _places(self) -> Iterator[SystemCommand]:
        """Offer all versions and runs; the palette shows them once something is typed."""
        records = self.catalog.glance(self.now())
        for version in self.session.registry.versions:
            words = " ".join(version_brief(version, records)).strip()
            if any(record.summary.version == version for record in records):
                yield SystemCommand(
                    f"run {version}",
                    f"{words}: its latest",
                    partial(self._open_named, version),
                    False,
                )
            yield SystemCommand(
                f"launch {version}", words, partial(self.open_launch, version), False
            )
        for record in records:
            words = "  ".join(filter(None, run_brief(record)))
            yield SystemCommand(f"run {record.id}", words, partial(self.open_run, record.id), False)

    def _open_named(self, name: str) -> None:
        self.open_run(self.store.find(name).id)

    async def run_action(
        self,
        action: str | tuple[str, str, tuple[object, ...]],
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Run an action, or explain why it is not available now."""
        if await super().run_action(action, default_namespace, namespaces):
            return True
        try:
            target, name, _ = self._parse_action(action, default_namespace or self, namespaces)
        except MADE_OTHERWISE:
            return False
        why = target.why_not(name) if isinstance(target, MabeScreen) else None
        if why is not None:
            self.notify(why, severity="warning", markup=False)
        return why is not None

    def action_jump(self) -> None:
        """Ask for a command, such as ``run 7b2a`` or ``cmp v5 v6``, and open what it names."""
        store, registry = self.store, self.session.registry
        runs = [record.id for record in self.catalog.glance(self.now())]
        names = [*registry.versions, *runs, *(short_id(run) for run in runs)]

        def typed(text: str | None) -> None:
            if text is None:
                return
            name, given = read_jump(text, store, registry)
            if name == "q":
                self.exit()
            elif name == "help":
                self.action_help()
            else:
                open_jump(self, name, given)

        dialog = EntryScreen(
            "go to",
            hint="run 7b2a, cmp v5 v6, launch v7; tab completes",
            check=lambda text: read_jump(text, store, registry),
            complete=lambda text: complete_jump(text, names),
        )
        self.push_screen(dialog, typed)

    def action_notices(self) -> None:
        """List the notices so far."""
        self.push_screen(NoticesScreen(self.notices, self.registry_problem))

    def action_help(self) -> None:
        """Show the keys of the current screen."""
        screen = self.screen
        places = screen.PLACES if isinstance(screen, MabeScreen) else ()
        lacks = screen.lacks if isinstance(screen, MabeScreen) else None
        self.push_screen(HelpScreen(places, lacks))

    def action_next_theme(self) -> None:
        """Switch to the next theme."""
        names = [theme.name for theme in THEMES]
        at = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(at + 1) % len(names)]


def _runner(target: App[None] | Screen[object], action: str) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        await target.run_action(action)

    return run
