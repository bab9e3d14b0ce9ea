"""Leaving out the signs of life that a later one makes superfluous: the one rule, for lines and for events.

A long run says ``step`` and ``system`` once a second: thousands of events, of which a history needs the last
of each. The fold over what is left gives the same summary (and is tested to).
"""

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from core.run.events import AnyEvent, Step, System
from mabe_tui.runs.reading.event_files import STEP, SYSTEM

T = TypeVar("T")
_KINDS: dict[type, int] = {Step: 0, System: 1}
_HEAD = len(STEP)
_LINE_KINDS = {STEP: 0, SYSTEM[:_HEAD]: 1}
"""By the first bytes of a line, which no other kind has."""


def thinned(items: Iterable[T], kind_of: Callable[[T], int | None]) -> list[T]:
    """Return the items without the signs of life that are followed by others of their kind.

    Args:
        items: in order.
        kind_of: number of the kind of a sign of life; ``None`` for what always stays.
    """
    kept: list[T] = []
    row: dict[int, T] = {}
    last = 0
    for item in items:
        kind = kind_of(item)
        if kind is not None:
            row[kind] = item
            last = kind
            continue
        if row:
            kept += _in_order(row, last)
            row.clear()
        kept.append(item)
    return [*kept, *_in_order(row, last)]


def _in_order(row: dict[int, T], last: int) -> list[T]:
    """Return the last sign of life of each of the two kinds, the latest behind the other."""
    return [row[kind] for kind in sorted(row, key=last.__eq__)]


def kind_of_event(event: AnyEvent) -> int | None:
    """Return the number of the kind of a sign of life; ``None`` for any other event."""
    return _KINDS.get(type(event))


def kind_of_line(line: bytes) -> int | None:
    """Return the same of an event's line, without decoding it."""
    return _LINE_KINDS.get(line[:_HEAD])


def extend_thin(kept: list[AnyEvent], new: Sequence[AnyEvent], *, late: bool = False) -> None:
    """Add events of one attempt to a list that is thinned, which stays so.

    Args:
        kept: changed at its end.
        new: what came.
        late: some of it comes after events that it belongs before.
    """
    start = len(kept)
    while start and kind_of_event(kept[start - 1]) is not None:
        start -= 1
    row = [*kept[start:], *new]
    if late:
        row.sort(key=operator.attrgetter("seq"))
    kept[start:] = thinned(row, kind_of_event)
