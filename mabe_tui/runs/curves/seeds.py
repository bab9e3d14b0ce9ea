"""One curve over several seeds: their mean, and how far they lie apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mabe_tui.plotting.band import Band
from mabe_tui.plotting.braille import LineStyle
from mabe_tui.plotting.series import Series
from mabe_tui.plotting.smoothing import ema
from mabe_tui.runs.curves.curves import Curve
from mabe_tui.runs.reading.points import Floats


@dataclass(frozen=True, eq=False)
class SeedCurve:
    """A quantity of several runs that differ in nothing but the seed.

    ``x``, ``mean`` and ``std`` are ``(points,)``, from where the last seed begins to where the first
    one ends: every point is of all seeds, so that no step in the mean is a seed that went away.
    """

    seeds: int
    x: Floats
    mean: Floats
    std: Floats
    """Of the sample (n − 1)."""
    alone: tuple[tuple[Floats, Floats], ...]
    """``(x, y)`` of single seeds before and after that."""


def over_seeds(curves: Sequence[Curve]) -> SeedCurve:
    """Average one quantity over seeds.

    The points are those of all seeds together; between its own, a seed's values lie on straight lines.
    Epochs and what is measured after them are at the same x in all seeds, and so averaged as they are.

    Args:
        curves: two or more, each with points.
    """
    counted = [_placed(one) for one in curves]
    begin, end = max(x[0] for x, _ in counted), min(x[-1] for x, _ in counted)
    places = np.unique(np.concatenate([x for x, _ in counted]))
    places = places[(places >= begin) & (places <= end)]
    values = np.stack([np.interp(places, x, y) for x, y in counted])
    with np.errstate(invalid="ignore"):  # an infinite value has no deviation
        mean, std = values.mean(axis=0), values.std(axis=0, ddof=1)
    alone = tuple(part for each in counted for part in _outside(*each, begin, end))
    return SeedCurve(len(counted), places, mean, std, alone)


def _outside(x: Floats, y: Floats, begin: float, end: float) -> Iterator[tuple[Floats, Floats]]:
    """Return what of one seed lies before and after the stretch of all, each with its point there."""
    at_begin, at_end = np.interp((begin, end), x, y)
    before, after = x < begin, x > end
    if before.any():
        yield np.append(x[before], begin), np.append(y[before], at_begin)
    if after.any():
        yield np.append(end, x[after]), np.append(at_end, y[after])


def series_over_seeds(
    found: SeedCurve, label: str, style: LineStyle = "solid", smooth: float = 0.0
) -> list[Series]:
    """Return what is drawn: the mean last, under it its band, and, faint, what single seeds have beside it.

    Args:
        found: the quantity.
        label: in the legend, where the number of seeds is added.
        style: of the line.
        smooth: of the mean, see :func:`~mabe_tui.plotting.smoothing.ema`; the band is of the raw values.
    """
    x, mean, std = found.x, found.mean, found.std
    return [
        *(Series("", *stretch, "faint") for stretch in found.alone),
        Band("", x, mean - std, top=mean + std),
        Series(f"{label} ({found.seeds} seeds)", x, ema(mean, smooth), style),
    ]


def has_points(one: Curve) -> bool:
    """Whether anything of a curve counts and has a place."""
    return _placed(one)[0].size > 0


def _placed(one: Curve) -> tuple[Floats, Floats]:
    """Give ``(x, y)`` of the points that count and have a place."""
    x, y = one.counted
    placed = np.isfinite(x)
    return x[placed], y[placed]
