"""A dialog that asks for one line of text."""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from core.errors import UserError
from mabe_tui.tui.screens.deferred import DeferringScreen
from mabe_tui.tui.widgets.completion import Completion


class EntryScreen(DeferringScreen[str | None], ModalScreen[str | None]):
    """A dialog for one line of text; returns it, or ``None`` if cancelled.

    Args:
        title: what to enter.
        value: the initial text.
        hint: the placeholder.
        words: an explanation above the line.
        check: raises a UserError for an invalid line; its message is shown below.
        complete: returns a completion of the typed text, which the right arrow and tab accept, or ``None``.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close"),
        Binding("tab", "accept", "Complete", show=False, priority=True),
    ]

    def __init__(
        self,
        title: str,
        value: str = "",
        hint: str = "",
        *,
        words: str = "",
        check: Callable[[str], object] | None = None,
        complete: Callable[[str], str | None] | None = None,
    ) -> None:
        super().__init__()
        self._complete = complete
        self._title, self._value, self._hint = title, value, hint
        self._words, self._check = words, check

    def compose(self) -> ComposeResult:
        """Lay out the line."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            if self._words:
                yield Static(self._words, id="words", markup=False)
            suggester = Completion(self._complete) if self._complete is not None else None
            yield Input(
                self._value, placeholder=self._hint, select_on_focus=False, suggester=suggester
            )
            yield Static(id="refused", markup=False)

    def action_accept(self) -> None:
        """Accept the suggested completion."""
        self.query_one(Input).action_cursor_right()

    @on(Input.Submitted)
    def _give(self, event: Input.Submitted) -> None:
        if self._check is not None:
            try:
                self._check(event.value)
            except UserError as error:
                self.query_one("#refused", Static).update(str(error))
                return
        self.dismiss(event.value)
