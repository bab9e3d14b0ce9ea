"""One curve over several seeds: their mean and their spread."""

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
    """A quantity of several runs that differ only in the seed.

    ``x``, ``mean`` and ``std`` are ``(points,)``. They cover the range that all seeds share, so that no step
    in the mean comes from a seed that ended.
    """

    seeds: int
    x: Floats
    mean: Floats
    std: Floats
    """Sample standard deviation (n − 1)."""
    alone: tuple[tuple[Floats, Floats], ...]
    """``(x, y)`` of single seeds before and after the shared range."""


def over_seeds(curves: Sequence[Curve]) -> SeedCurve:
    """Average one quantity over seeds.

    The result has the points of all seeds; between two of its own points, a seed is interpolated linearly.
    Epochs and whatever is measured at their ends have the same x in all seeds, so they are averaged as is.

    Args:
        curves: two or more, each with at least one point.
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
    """Return the parts of one seed before and after the shared range, each with its point at the boundary."""
    at_begin, at_end = np.interp((begin, end), x, y)
    before, after = x < begin, x > end
    if before.any():
        yield np.append(x[before], begin), np.append(y[before], at_begin)
    if after.any():
        yield np.append(end, x[after]), np.append(at_end, y[after])


def series_over_seeds(
    found: SeedCurve, label: str, style: LineStyle = "solid", smooth: float = 0.0
) -> list[Series]:
    """Return the series to draw: single seeds outside the shared range, faintly; the band; the mean on top.

    Args:
        found: the quantity.
        label: name in the legend, to which the number of seeds is added.
        style: style of the line.
        smooth: smoothing of the mean, see :func:`~mabe_tui.plotting.smoothing.ema`; the band stays raw.
    """
    x, mean, std = found.x, found.mean, found.std
    return [
        *(Series("", *stretch, "faint") for stretch in found.alone),
        Band("", x, mean - std, top=mean + std),
        Series(
            f"{label} ({found.seeds} seeds)",
            x,
            ema(mean, smooth),
            style,
            note=f"ema {smooth:g}" if smooth else "",
        ),
    ]


def has_points(one: Curve) -> bool:
    """Return whether any point of a curve is finite and not superseded."""
    return _placed(one)[0].size > 0


def _placed(one: Curve) -> tuple[Floats, Floats]:
    """Return ``(x, y)`` of the finite points that are not superseded."""
    x, y = one.counted
    placed = np.isfinite(x)
    return x[placed], y[placed]
