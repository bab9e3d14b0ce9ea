"""An input line for filters that completes keys and values and remembers earlier filters."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input

from mabe_tui.tui.keys import bindings
from mabe_tui.tui.widgets.completion import Completion

REMEMBERED = 20
EXAMPLE = "state == running and score > 0.4"


class FilterLine(Input):
    """A compact input.

    Args:
        value: the initial filter.
        queries: earlier filters, latest first.
        complete: returns a completion of the typed text, or ``None``.
        id: the widget's id.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("filter")

    class Left(Message):
        """The user has left the line; the filter stays."""

    def __init__(
        self,
        value: str,
        queries: Sequence[str],
        complete: Callable[[str], str | None],
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(
            value, id=id, placeholder=EXAMPLE, compact=True, suggester=Completion(complete)
        )
        self.queries = list(queries)
        self._at = -1
        """Index of the recalled query; -1 for the text being typed."""

    def remember(self) -> None:
        """Add the filter to the history that the up key recalls."""
        self._at = -1
        if self.value:
            others = [query for query in self.queries if query != self.value]
            self.queries = [self.value, *others][:REMEMBERED]

    def action_complete(self) -> None:
        """Accept the suggestion, or leave the line if there is none."""
        before = self.value
        if self.cursor_position == len(before):
            self.action_cursor_right()
        if self.value == before:
            self.post_message(self.Left())

    def action_recall(self, by: int) -> None:
        """Recall an older or newer filter; leave the line after the newest."""
        if self._at + by < -1:
            self.post_message(self.Left())
            return
        self._at = min(self._at + by, len(self.queries) - 1)
        self.value = self.queries[self._at] if self._at >= 0 else ""
        self.cursor_position = len(self.value)
