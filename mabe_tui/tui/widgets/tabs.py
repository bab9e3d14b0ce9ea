"""A line of numbered names, one of which is shown; each can be clicked."""

from collections.abc import Sequence

from rich.markup import escape
from textual.widgets import Static


class TabLine(Static):
    """Names of panes with the number keys that show them, and words on how they are drawn."""

    DEFAULT_CSS = "TabLine { height: 1; padding: 0 1; }"

    def show(self, names: Sequence[tuple[str, str]], chosen: str, words: str = "") -> None:
        """Write the line.

        Args:
            names: key and label of each pane; a click does ``screen.pane(key)``.
            chosen: the key of the one that is shown.
            words: behind the names, dim.
        """
        parts = []
        for number, (key, label) in enumerate(names, start=1):
            text = f" {number} {escape(label)} "
            shown = f"[reverse]{text}[/]" if key == chosen else text
            parts.append(f"[@click=screen.pane('{key}')]{shown}[/]")
        self.update(f"{''.join(parts)}  [dim]{escape(words)}[/]")
