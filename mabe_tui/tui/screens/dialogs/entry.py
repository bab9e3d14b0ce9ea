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


class EntryScreen(DeferringScreen[str | None], ModalScreen[str | None]):
    """A dialog for one line of text; returns it, or ``None`` if cancelled.

    Args:
        title: what to enter.
        value: the initial text.
        hint: the placeholder.
        words: an explanation above the line.
        check: raises a UserError for an invalid line; its message is shown below.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Close")]

    def __init__(
        self,
        title: str,
        value: str = "",
        hint: str = "",
        *,
        words: str = "",
        check: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__()
        self._title, self._value, self._hint = title, value, hint
        self._words, self._check = words, check

    def compose(self) -> ComposeResult:
        """Lay out the line."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            if self._words:
                yield Static(self._words, id="words", markup=False)
            yield Input(self._value, placeholder=self._hint, select_on_focus=False)
            yield Static(id="refused", markup=False)

    @on(Input.Submitted)
    def _give(self, event: Input.Submitted) -> None:
        if self._check is not None:
            try:
                self._check(event.value)
            except UserError as error:
                self.query_one("#refused", Static).update(str(error))
                return
        self.dismiss(event.value)
