"""The help screen: the keys of a screen, from the key table."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from mabe_tui.runs.listing.query_completion import EXAMPLES
from mabe_tui.tui.keys import KEYS
from mabe_tui.tui.screens.deferred import DeferringScreen
from mabe_tui.tui.screens.home.rows import LEGEND

LABELS = {
    "app": "everywhere",
    "screen": "everywhere",
    "table": "in tables",
    "chart": "in charts",
    "log": "in logs",
    "acting": "to the run",
    "filter": "in the filter",
    "form": "in a line of the form",
}
NOTES = {
    "home": ("what the tables show", LEGEND),
    "filter": ("filters, as of `mabe runs --where`", EXAMPLES),
}
"""Place → a note shown with its keys."""


class HelpScreen(DeferringScreen[None], ModalScreen[None]):
    """Lists the available keys and their actions."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "Close", key_display="esc")
    ]

    def __init__(
        self, places: Sequence[str], lacks: Callable[[str], str | None] | None = None
    ) -> None:
        super().__init__()
        self._lacks = lacks or (lambda _: None)
        own = [place for place in places if place not in LABELS]
        self._places = [*own, *(place for place in LABELS if place in (*places, "app"))]

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with VerticalScroll():
            yield Static(help_text(self._places, self._lacks))


def help_text(places: Sequence[str], lacks: Callable[[str], str | None] = lambda _: None) -> Text:
    """Return the keys of some places, one per line, under the places' names.

    Args:
        places: the places to list.
        lacks: returns why an action is not supported here; its key is then omitted.
    """
    text, label = Text(), ""
    for place in places:
        before, label = label, LABELS.get(place, "here")
        if label != before:
            text.append(f"{label}\n", style="bold")
        for key in (key for key in KEYS[place] if lacks(key.action) is None):
            text.append(f"  {' '.join(key.spellings):<18}", style="bold")
            text.append(f"{key.help}\n")
        if place in NOTES:
            _add_notes(text, *NOTES[place])
    return text


def _add_notes(text: Text, title: str, notes: Sequence[tuple[str, str]]) -> None:
    text.append(f"{title}\n", style="bold")
    for what, lesson in notes:
        text.append(f"  {what}\n", style="bold")
        text.append(f"      {lesson}\n")
