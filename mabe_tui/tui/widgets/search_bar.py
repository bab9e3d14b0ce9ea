"""Where one types what to look for."""

from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input

from mabe_tui.tui.keys import bindings


class SearchBar(Input):
    """One line, there only while something is searched for."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("search")
    DEFAULT_CSS = "SearchBar { border: none; height: 1; padding: 0 1; display: none; }"

    class Closed(Message):
        """Nothing is searched for any more."""

    def open(self) -> None:
        """Be there, what was typed before selected."""
        self.display = True
        self.focus()

    def action_close(self) -> None:
        """Go away."""
        self.display = False
        self.post_message(self.Closed())
