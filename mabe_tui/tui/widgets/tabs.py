"""A line of clickable tab names, each with the key that selects it."""

from collections.abc import Sequence

from rich.markup import escape
from textual.widgets import Static

from mabe_tui.tui.keys import KEYS


class TabLine(Static):
    """Names of panes with the keys that select them, and remarks on how they are drawn.

    Args:
        action: an action of the screen, called with the pane's key when a name is clicked.
    """

    DEFAULT_CSS = """
    TabLine { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

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
        for key, label in names:
            text = f" {escape(self._spelled(key))} {escape(label)} "
            shown = f"[reverse]{text}[/]" if key == chosen else text
            parts.append(f"[@click=screen.{self._action}('{key}')]{shown}[/]")
        line = f"{''.join(parts)}  [dim]{escape(words)}[/]"
        if line != self._written:
            self._written = line
            self.update(line, layout=False)

    def _spelled(self, pane: str) -> str:
        """Return the key of a pane: it stays the same where a task lacks another pane."""
        action = f"{self._action}('{pane}')"
        found = (key for keys in KEYS.values() for key in keys if key.action == action)
        return next(key.spellings[0] for key in found)
