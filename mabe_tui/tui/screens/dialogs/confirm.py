"""A dialog that asks for confirmation before an action that costs, ends or removes something."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from mabe_tui.tui.screens.deferred import DeferringScreen


class ConfirmScreen(DeferringScreen[bool], ModalScreen[bool]):
    """A question that states the consequences; only ``y`` and the yes button confirm."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes"),
        Binding("n,escape,q", "dismiss(False)", "No"),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, question: str, consequences: str) -> None:
        super().__init__()
        self._question, self._consequences = question, consequences

    def compose(self) -> ComposeResult:
        """Lay out the question, its consequences, and two buttons with "no" first."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._question)
            yield Static(self._consequences, markup=False)
            with Horizontal(classes="buttons"):
                yield Button("No (n)", id="no", compact=True)
                yield Button("Yes (y)", id="yes", compact=True, variant="warning")

    @on(Button.Pressed)
    def _answer(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")
