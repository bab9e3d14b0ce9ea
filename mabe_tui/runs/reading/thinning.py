"""Drop heartbeats that a later one makes redundant: the one rule, for lines and for events.

A long run emits ``step``, ``system`` and free metrics once a second: thousands of events, of which a history
needs only the last of each. The summary computed from the rest is the same (and tested to be).
"""

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from core.run.events import AnyEvent, FreeMetrics, Step, System
from mabe_tui.runs.reading.event_files import METRICS, STEP, SYSTEM

T = TypeVar("T")
_KINDS: dict[type, int] = {Step: 0, System: 1, FreeMetrics: 2}
_HEAD = len(STEP)
_LINE_KINDS = {STEP: 0, SYSTEM[:_HEAD]: 1, METRICS[:_HEAD]: 2}
"""Kinds of heartbeats by the first bytes of a line, which no other kind shares."""


def thinned(items: Iterable[T], kind_of: Callable[[T], int | None]) -> list[T]:
    """Return the items without the heartbeats that are followed by others of their kind.

    Args:
        items: in order.
        kind_of: index of the kind of a heartbeat; ``None`` for items that always stay.
    """
    kept: list[T] = []
    row: dict[int, T] = {}
    for item in items:
        kind = kind_of(item)
        if kind is not None:
            row.pop(kind, None)  # the row stays in the order of the items
            row[kind] = item
            continue
        if row:
            kept += row.values()
            row.clear()
        kept.append(item)
    return [*kept, *row.values()]


def kind_of_event(event: AnyEvent) -> int | None:
    """Return the index of the kind of a heartbeat; ``None`` for any other event."""
    return _KINDS.get(type(event))


def kind_of_line(line: bytes) -> int | None:
    """Return the same for an event's line, without decoding it."""
    return _LINE_KINDS.get(line[:_HEAD])


def extend_thin(kept: list[AnyEvent], new: Sequence[AnyEvent], *, late: bool = False) -> None:
    """Add events of one attempt to a thinned list, which stays thinned.

    Args:
        kept: the list, changed at its end.
        new: the events to add.
        late: some of them precede events already in the list.
    """
    start = len(kept)
    while start and kind_of_event(kept[start - 1]) is not None:
        start -= 1
    row = [*kept[start:], *new]
    if late:
        row.sort(key=operator.attrgetter("seq"))
    kept[start:] = thinned(row, kind_of_event)
