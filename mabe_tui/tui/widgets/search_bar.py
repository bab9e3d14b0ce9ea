"""A line to type a search pattern in."""

from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input

from mabe_tui.tui.keys import bindings


class SearchBar(Input):
    """An input line that is visible only during a search."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("search")
    DEFAULT_CSS = "SearchBar { border: none; height: 1; padding: 0 1; display: none; }"

    class Closed(Message):
        """The search was closed."""

    def open(self) -> None:
        """Show the line with its previous text selected."""
        self.display = True
        self.focus()

    def action_close(self) -> None:
        """Hide the line."""
        self.display = False
        self.post_message(self.Closed())
