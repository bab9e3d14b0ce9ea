"""A line of numbered names, one of which is shown; each can be clicked."""

from collections.abc import Sequence

from rich.markup import escape
from textual.widgets import Static


class TabLine(Static):
    """Names of panes with the number keys that show them, and words on how they are drawn.

    Args:
        action: of the screen; a click on a name does it, with the pane's key.
    """

    DEFAULT_CSS = "TabLine { height: 1; padding: 0 1; }"

    def __init__(self, action: str = "pane", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._action = action
        self._written = ""

    def show(self, names: Sequence[tuple[str, str]], chosen: str, words: str = "") -> None:
        """Write the line.

        Args:
            names: key and label of each pane.
            chosen: the key of the one that is shown.
            words: behind the names, dim.
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
