"""The help screen: the keys of a screen, from the key table."""

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from mabe_tui.runs.listing.query_completion import EXAMPLES
from mabe_tui.tui.jumps import EXAMPLES as JUMPS
from mabe_tui.tui.key import Key
from mabe_tui.tui.keys import KEYS
from mabe_tui.tui.screens.deferred import DeferringScreen
from mabe_tui.tui.screens.home.rows import LEGEND

LABELS = {
    "app": "everywhere",
    "screen": "everywhere",
    "table": "in tables",
    "chart": "in charts",
    "log": "in logs",
    "classes": "in the classes of a comparison",
    "acting": "to the run",
    "filter": "in the filter",
    "form": "in a line of the form",
}
NOTES = {
    "app": ("after :", JUMPS),
    "home": ("what the tables show", LEGEND),
    "filter": ("filters, as for `mabe runs --where`", EXAMPLES),
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
            yield Static(help_view(self._places, self._lacks))


def help_view(
    places: Sequence[str], lacks: Callable[[str], str | None] = lambda _: None
) -> RenderableType:
    """Return the keys of some places, one per row, under the places' names.

    Args:
        places: the places to list.
        lacks: returns why an action is not supported here; its key is then omitted.
    """
    parts: list[RenderableType] = []
    label = ""
    for place in places:
        before, label = label, LABELS.get(place, "here")
        if label != before:
            parts.append(Text(label, style="bold"))
        parts.append(_key_table([key for key in KEYS[place] if lacks(key.action) is None]))
        if place in NOTES:
            parts += _notes(*NOTES[place])
    return Group(*parts)


def _key_table(keys: Sequence[Key]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=18)
    table.add_column()
    for key in keys:
        table.add_row(Text(f"  {' '.join(key.spellings)}", style="bold"), Text(key.help))
    return table


def _notes(title: str, notes: Sequence[tuple[str, str]]) -> Iterator[RenderableType]:
    yield Text(title, style="bold")
    for what, lesson in notes:
        yield Padding(Text(what, style="bold"), (0, 0, 0, 2))
        yield Padding(Text(lesson), (0, 0, 0, 6))
