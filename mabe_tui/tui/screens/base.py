"""The base class of all screens: keys from the key table, a title line, a footer, and work in threads."""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import ActiveBinding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static
from textual.worker import Worker

from mabe_tui.tui.dashboard import Dashboard
from mabe_tui.tui.footer_keys import with_more
from mabe_tui.tui.internals import compositor_for
from mabe_tui.tui.keys import changing
from mabe_tui.tui.messages import Done, WorkFailed
from mabe_tui.tui.screens.deferred import DeferringScreen
from mabe_tui.tui.screens.dialogs.pick import PickScreen
from mabe_tui.tui.widgets.activity import Activity
from mabe_tui.tui.widgets.key_footer import KeyFooter
from mabe_tui.tui.widgets.notice_lines import NoticeLines
from mabe_tui.tui.widgets.title_end import TitleEnd
from mabe_tui.tui.work import in_thread, outcome

Work = Callable[[], Message | None]


class MabeScreen(DeferringScreen[None]):
    """A screen of the dashboard. Subclasses set :attr:`PLACES` and yield their widgets in ``body``."""

    PLACES: ClassVar[tuple[str, ...]] = ("screen",)
    """The parts of the key table that belong to this screen; ``BINDINGS`` is built from them."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = compositor_for(self._compositor)
        self.is_open = True
        """Whether the content that keys act on is shown; screens that load it first start with ``False``."""
        self._answers: list[Worker[Any]] = []

    def compose(self) -> ComposeResult:
        """Lay out title, body and footer."""
        with Horizontal(id="title"):
            yield Static(self.heading(), id="heading", markup=False)
            yield TitleEnd()
        yield from self.body()
        yield NoticeLines()
        yield Activity()
        yield KeyFooter()

    def body(self) -> ComposeResult:
        """Return the widgets between title and footer."""
        raise NotImplementedError

    def heading(self) -> str:
        """Return the heading; :meth:`retitle` calls this again."""
        return "mabe"

    def retitle(self) -> None:
        """Update the heading."""
        self.query_one("#heading", Static).update(self.heading())

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """The keys that are available now, with as many of them shown as the footer has room for."""
        found = super().active_bindings
        return with_more(found, self.PLACES, self.size.width, self.app.get_key_display)

    @property
    def is_current(self) -> bool:
        """Whether the screen is visible: on top, or covered only by transparent screens.

        Textual (8.2.8) considers the screen right below the top visible: each change to it causes a layout,
        and a repaint of the whole screen that hides it.
        """
        stack = self.app.screen_stack
        if self not in stack:
            return False
        return all(above.styles.background.a < 1 for above in stack[stack.index(self) + 1 :])

    def _compositor_refresh(self, *given: Any) -> None:
        if self.is_current:
            super()._compositor_refresh(*given)

    @property
    def mabe(self) -> Dashboard:
        """The app with its own type."""
        return cast("Dashboard", self.app)

    @property
    def is_ready(self) -> bool:
        """Whether keys may be delivered: nothing is pending that could change what they refer to."""
        self._answers = [worker for worker in self._answers if not worker.is_finished]
        return self.is_open and not self._answers

    def ask(self, work: Work, group: str, *, keys_wait: bool = False) -> None:
        """Run work in a thread and post the message it returns; newer work of the same group replaces it.

        Errors are posted as :class:`WorkFailed`.

        Args:
            work: blocking.
            group: the worker group.
            keys_wait: whether the message opens a screen or moves the focus, so that keys typed meanwhile
                have to wait for it.
        """

        async def run() -> None:
            if (message := await in_thread(lambda: outcome(work))) is not None:
                self.post_message(message)

        task: Callable[[], Awaitable[None]] = run
        worker = self.run_worker(task, group=group, exclusive=True, exit_on_error=False)
        if keys_wait:
            self._answers.append(worker)

    def on_work_failed(self, message: WorkFailed) -> None:
        """Show an error as a notice."""
        self.is_open = True
        self.notify(message.text, title="mabe", severity="error", markup=False)

    def on_done(self, message: Done) -> None:
        """Show the result of work as a notice."""
        self.notify(message.text, markup=False)

    def action_back(self) -> None:
        """Go back to the previous screen, only once however often the key is pressed."""
        if self.app.screen is self:
            self.app.pop_screen()

    def copyable(self) -> dict[str, str]:
        """Return what can be copied from here: name → text."""
        return {}

    def action_copy(self) -> None:
        """Choose what to copy to the terminal's clipboard; copy it at once if there is one thing only."""
        offered = {name: text for name, text in self.copyable().items() if text}
        if not offered:
            self.notify("there is nothing to copy here yet", severity="warning")
            return

        def chosen(name: str | None) -> None:
            if name is not None:
                self.app.copy_to_clipboard(offered[name])
                self.notify(f"copied: {offered[name]}", markup=False)

        if len(offered) == 1:
            chosen(next(iter(offered)))
        else:
            one_line = {name: " ".join(text.split()) for name, text in offered.items()}
            self.app.push_screen(PickScreen("copy", [*offered], details=one_line), chosen)

    def lacks(self, action: str) -> str | None:
        """Return why the task of the run does not support an action, whose key the help then hides."""
        del action
        return None

    def why_not(self, action: str) -> str | None:
        """Return why an action is not available now, to show when its key is pressed; ``None`` if it is."""
        if (why := self.lacks(action)) is not None:
            return why
        if self.mabe.options.readonly and action in changing(self.PLACES):
            return "nothing can be changed here: the dashboard was started with --readonly"
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable actions that are not available now; see :meth:`why_not`."""
        del parameters
        return self.why_not(action) is None
