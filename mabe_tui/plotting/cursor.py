"""The cursor of a chart in words: where it is on the x axis, and on another axis of the same points."""

from dataclasses import dataclass

import numpy as np

from mabe_tui.plotting.decimation import Floats
from mabe_tui.plotting.ticks import TickKind, short_duration, short_number

MINUTE = 60


@dataclass(frozen=True, eq=False)
class Beside:
    """Another quantity at each x, such as the time at each epoch; both are ``(points,)``, x ascending."""

    x: Floats
    values: Floats
    label: str
    kind: TickKind


def place_words(label: str, value: float, kind: TickKind, resolution: float) -> str:
    """Return a place on an axis: ``epoch 7.0``, ``step 1,234``, ``12m 04s``, ``$1.23``.

    Args:
        label: the quantity; a duration and dollars speak for themselves.
        value: the place.
        kind: the quantity's kind.
        resolution: the least difference that can be seen.
    """
    if kind == "duration":
        return _duration(value)
    if kind == "dollars":
        return f"${value:.2f}"
    if kind != "integer":
        return f"{label} {short_number(value)}".strip()
    decimals = 0 if resolution >= 1 else 1
    return f"{label} {value:,.{decimals}f}".strip()


def cursor_words(
    x: float, label: str, kind: TickKind, resolution: float, beside: Beside | None
) -> list[str]:
    """Return the cursor's place, then the same with the other quantity: ``epoch 7.0 · 12m 04s``."""
    words = place_words(label, x, kind, resolution)
    if beside is None or not beside.x.size:
        return [words]
    other = float(np.interp(x, beside.x, beside.values))
    return [words, f"{words} · {place_words(beside.label, other, beside.kind, 0.1)}"]


def _duration(seconds: float) -> str:
    if MINUTE <= seconds < MINUTE**2:
        minutes, rest = divmod(round(seconds), MINUTE)
        return f"{minutes}m {rest:02d}s"
    return short_duration(seconds)
