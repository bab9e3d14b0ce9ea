"""A dialog to choose one of many names by typing part of it."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from mabe_tui.tui.screens.deferred import DeferringScreen


class PickScreen(DeferringScreen[str | None], ModalScreen[str | None]):
    """A list filtered while typing; returns the chosen name, or ``None`` if cancelled.

    Args:
        title: what to choose.
        choices: the names to choose from.
        takes_new: whether other names may be typed as well.
        details: name → what stands beside it; typing finds that, too.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close"),
        Binding("down", "move(1)", "Down", show=False),
        Binding("up", "move(-1)", "Up", show=False),
    ]

    def __init__(
        self,
        title: str,
        choices: Sequence[str],
        takes_new: bool = False,
        details: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._title, self._choices, self._takes_new = title, choices, takes_new
        widest = max(map(len, choices), default=0) if details else 0
        self._shown = {
            name: f"{name:<{widest}}  {(details or {}).get(name, '')}".rstrip() for name in choices
        }

    def compose(self) -> ComposeResult:
        """Lay out the input and the list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self._title)
            yield Input(placeholder="type a part of it")
            yield OptionList(*self._options(self._choices), markup=False)

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        words = event.value.casefold().split()
        shown = {name: self._shown[name].casefold() for name in self._choices}
        found = [name for name in self._choices if all(word in shown[name] for word in words)]
        options = self.query_one(OptionList)
        options.clear_options().add_options(self._options(found))
        options.highlighted = 0 if found else None

    @on(Input.Submitted)
    def _choose_highlighted(self, event: Input.Submitted) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self.dismiss(options.get_option_at_index(options.highlighted).id)
        elif self._takes_new and (name := event.value.strip()):
            self.dismiss(name)

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

    def on_mount(self) -> None:
        """Select the first match."""
        if self._choices:
            self.query_one(OptionList).highlighted = 0

    def action_move(self, by: int) -> None:
        """Move through the list while the input has the focus."""
        options = self.query_one(OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def _options(self, names: Sequence[str]) -> list[Option]:
        return [Option(self._shown[name], id=name) for name in names]
