"""Which keys the footer shows besides those it always does, where the terminal is wide enough."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from textual.binding import ActiveBinding, Binding

from mabe_tui.tui.keys import KEYS

WHERE_ROOM = {
    "acting": ("stop_run", "resume_run", "pull_run"),
    "home": (
        "checkpoints",
        "video",
        "app.focus_next",
        "mark",
        "sort",
        "views",
        "charts",
        "reverse",
        "pin",
        "details",
    ),
    "run": ("checkpoints", "video", "export", "find", "compare", "log_y"),
    "compare": ("axis", "smooth", "worst", "cells", "drop", "app.focus_next", "reread"),
    "checkpoints": ("choose_one", "app.focus_next"),
    "video": ("slice", "slices", "go_to", "checkpoint", "trail", "sort", "data"),
    "log": ("follow",),
}
"""Place → actions, the most useful first. Those of :data:`ACTING` come before the others of their screen."""
ACTING = "acting"
KEPT = ("help", "command_palette", "back")
"""Actions that the footer shows however narrow it is."""
GAP = 3
"""Columns that a key takes besides its name and label."""


def with_more(
    found: Mapping[str, ActiveBinding],
    places: Sequence[str],
    width: int,
    spelled: Callable[[Binding], str],
) -> dict[str, ActiveBinding]:
    """Return the bindings with further ones shown, as many as fit, each in its place; or with fewer.

    Args:
        found: the keys that are available now.
        places: those of the screen.
        width: columns of the footer.
        spelled: returns how a key is displayed.
    """
    bindings = dict(found)

    def columns(one: ActiveBinding) -> int:
        return len(spelled(one.binding)) + len(one.binding.description) + GAP

    shown = {name: one for name, one in bindings.items() if one.binding.show}
    room = width - sum(map(columns, shown.values()))
    for name, one in reversed(shown.items()):
        if room >= 0:
            break
        if one.binding.action not in KEPT:
            room += columns(one)
            bindings[name] = one._replace(binding=replace(one.binding, show=False))
    for name in _wanted(places):
        more = bindings.get(name)
        if more is None or more.binding.show:
            continue
        room -= columns(more)
        if room < 0:
            break
        bindings[name] = more._replace(binding=replace(more.binding, show=True))
    return bindings


def _wanted(places: Sequence[str]) -> list[str]:
    """Return the names of the keys to add, the most useful first."""
    ordered = sorted(places, key=lambda place: place != ACTING)
    return [
        key.keys.partition(",")[0]
        for place in ordered
        for action in WHERE_ROOM.get(place, ())
        for key in KEYS[place]
        if key.action == action
    ]
