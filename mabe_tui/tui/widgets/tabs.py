"""A line of numbered, clickable tab names."""

from collections.abc import Sequence

from rich.markup import escape
from textual.widgets import Static


class TabLine(Static):
    """Names of panes with the number keys that select them, and remarks on how they are drawn.

    Args:
        action: an action of the screen, called with the pane's key when a name is clicked.
    """

    DEFAULT_CSS = "TabLine { height: 1; padding: 0 1; }"

    def __init__(self, action: str = "pane", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._action = action
        self._written = ""

    def show(self, names: Sequence[tuple[str, str]], chosen: str, words: str = "") -> None:
        """Update the line.

        Args:
            names: key and label of each pane.
            chosen: the key of the selected pane.
            words: remarks shown dim after the names.
        """
        parts = []
        for number, (key, label) in enumerate(names, start=1):
            text = f" {number} {escape(label)} "
            shown = f"[reverse]{text}[/]" if key == chosen else text
            parts.append(f"[@click=screen.{self._action}('{key}')]{shown}[/]")
        line = f"{''.join(parts)}  [dim]{escape(words)}[/]"
        if line != self._written:
            self._written = line
            self.update(line, layout=False)
