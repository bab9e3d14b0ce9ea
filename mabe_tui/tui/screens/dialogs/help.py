"""The keys of a screen, from the key table."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from mabe_tui.runs.listing.query_completion import EXAMPLES
from mabe_tui.tui.keys import KEYS, all_spellings

LABELS = {
    "app": "everywhere",
    "screen": "everywhere",
    "table": "in tables",
    "chart": "in charts",
    "log": "in logs",
    "acting": "to the run",
    "filter": "in the filter",
}


class HelpScreen(ModalScreen[None]):
    """Lists what every key does here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "Close", key_display="esc")
    ]

    def __init__(self, places: Sequence[str]) -> None:
        super().__init__()
        own = [place for place in places if place not in LABELS]
        self._places = [*own, *(place for place in LABELS if place in (*places, "app"))]

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with VerticalScroll():
            yield Static(help_text(self._places))


def help_text(places: Sequence[str]) -> Text:
    """Write the keys of some places, a line each, under the places' names."""
    text = Text()
    for place in places:
        text.append(f"{LABELS.get(place, 'here')}\n", style="bold")
        for key in KEYS[place]:
            text.append(f"  {' '.join(all_spellings(key)):<18}", style="bold")
            text.append(f"{key.help}\n")
        if place == "filter":
            _add_examples(text)
    return text


def _add_examples(text: Text) -> None:
    text.append("filters, as of `mabe runs --where`\n", style="bold")
    for query, lesson in EXAMPLES:
        text.append(f"  {query}\n", style="bold")
        text.append(f"      {lesson}\n")
