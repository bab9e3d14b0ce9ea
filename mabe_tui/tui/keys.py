"""The key table, from which bindings, footer, help, palette and ``docs/keys.md`` are generated.

As in Textual, an action is looked up on the focused widget, then on the screen, then on the app. A place
is the ``KEYS`` name of a screen or widget.
"""

from collections.abc import Sequence

from textual.binding import BindingType

from mabe_tui.tui.key import Key
from mabe_tui.tui.key_tables.comparing import COMPARING
from mabe_tui.tui.key_tables.everywhere import EVERYWHERE
from mabe_tui.tui.key_tables.home import HOME
from mabe_tui.tui.key_tables.runs import RUNS
from mabe_tui.tui.key_tables.videos import VIDEOS

KEYS: dict[str, tuple[Key, ...]] = {**EVERYWHERE, **HOME, **RUNS, **COMPARING, **VIDEOS}
"""Place → its keys. Screens and widgets add their own; no place binds a key twice."""


def bindings(*places: str) -> list[BindingType]:
    """Return Textual bindings for the keys of some places."""
    return [key.binding for place in places for key in KEYS[place]]


def changing(places: Sequence[str]) -> frozenset[str]:
    """Return the names, without parameters, of actions that change more than the view."""
    return frozenset(
        key.action.partition("(")[0] for place in places for key in KEYS[place] if key.changes
    )
