"""Drawable data: named samples, and the linear or logarithmic scale they are drawn on."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mabe_tui.plotting.braille import LineStyle
from mabe_tui.plotting.decimation import Envelope, Pyramid

Floats = NDArray[np.float64]
RANGE_COLUMNS = 256
"""Number of parts that the visible x range is divided into to find its least and greatest values."""
LARGEST, SMALLEST = 1e300, 1e-300
"""A larger value counts as infinite, a smaller one as 0, so that ranges never overflow."""
FARTHEST = 1e9
"""Dot coordinates are clipped here, so that no extreme value overflows."""


@dataclass(frozen=True, eq=False)
class Series:
    """A curve. Keep the object: redrawing it (zoom, cursor, resize) is fast.

    ``x`` and ``y`` are ``(points,)``, converted to float64. Arrays of that type are not copied, so they
    must not be modified afterwards. A NaN in ``y`` breaks the line. A point whose ``x`` is not finite
    has no place; it is left out and counted with the NaN.

    Raises:
        ValueError: ``x`` and ``y`` are not number arrays of equal length.
    """

    name: str
    x: ArrayLike
    y: ArrayLike
    style: LineStyle = "solid"
    best: float | None = None
    """The x of the best point, which is marked."""
    note: str = ""
    """What the legend adds to the value at the cursor, such as ``ema 0.6``."""

    def __post_init__(self) -> None:
        x, y = (np.asarray(values, dtype=np.float64) for values in (self.x, self.y))
        if x.ndim != 1 or x.shape != y.shape:
            raise ValueError(f"{self.name}: x is {x.shape} and y {y.shape}; both must be (points,)")

    @cached_property
    def points(self) -> tuple[Floats, Floats]:
        """``(x, y)`` of the points that have a finite x."""
        x, y = (_tamed(np.asarray(values, dtype=np.float64)) for values in (self.x, self.y))
        placed = np.isfinite(x)
        return (x, y) if placed.all() else (x[placed], y[placed])

    @cached_property
    def pyramid(self) -> Pyramid | None:
        """The samples' envelopes, or None if x is not in order."""
        try:
            return Pyramid(*self.points)
        except ValueError:
            return None

    @cached_property
    def trouble(self) -> str:
        """The non-finite values in words: ``"3 NaN"``, ``"1 NaN, 2 Inf"``, or empty."""
        y = self.points[1]
        if len(y) == np.size(self.x) and np.isfinite(y).all():
            return ""
        infinite = int(np.isinf(y).sum())
        missing = int(np.isnan(y).sum()) + np.size(self.x) - len(y)
        counts = [(missing, "NaN"), (infinite, "Inf")]
        return ", ".join(f"{count} {word}" for count, word in counts if count)

    @cached_property
    def x_bounds(self) -> tuple[float, float] | None:
        """Least and greatest x, or None without points."""
        x = self.points[0]
        return (float(x.min()), float(x.max())) if x.size else None

    def samples(self, low: float, high: float) -> Envelope:
        """Return single samples from ``low`` to ``high`` in x; all of them if x is not in order."""
        if self.pyramid is None:
            return Envelope.of_samples(*self.points)
        return self.pyramid.samples(low, high)

    def visible(self, low: float, high: float) -> Envelope:
        """Return the part from ``low`` to ``high`` in x, in few runs if there are many samples."""
        if self.pyramid is None:
            return Envelope.of_samples(*self.points)
        top, bounds = self.pyramid.levels[-1], self.x_bounds
        if bounds is not None and low <= bounds[0] and bounds[1] <= high and (top.low > 0).all():
            return top  # all of it; finer runs would only show, for a logarithm, which values are above 0
        edges = np.linspace(low, np.nextafter(high, np.inf), RANGE_COLUMNS + 1)
        return self.pyramid.columns(edges)[1]

    def marks(self, low: float, high: float, most: int) -> tuple[Floats, Floats]:
        """Return ``(x, y)`` of what is marked in a range of x: the best point, and points that stand alone.

        Args:
            low: the least x.
            high: the greatest.
            most: number of samples from which on none can stand alone.
        """
        x, y = self.points
        marked = np.zeros(len(x), dtype=np.bool_)
        if self.best is not None and self.best in x:
            marked[np.flatnonzero(x == self.best)[-1]] = True
        if self.style != "faint" and len(x) <= most:
            finite = np.concatenate(([False], np.isfinite(y), [False]))
            marked |= finite[1:-1] & ~finite[:-2] & ~finite[2:]
        marked &= (x >= low) & (x <= high) & np.isfinite(y)
        return x[marked], y[marked]

    def value_at(self, x: float) -> float | None:
        """Return the value of the point nearest in x, or None without points."""
        places, values = self.points
        return float(values[np.abs(places - x).argmin()]) if places.size else None


@dataclass(frozen=True)
class Scale:
    """Maps values to dots: ``low`` to dot 0 and ``high`` to dot ``dots − 1``; logarithms if ``log``."""

    low: float
    high: float
    dots: int
    log: bool = False

    def position(self, values: ArrayLike) -> Floats:
        """Return dot coordinates of values that are already logarithms if the scale is logarithmic."""
        low, high = self.ends
        share = (np.asarray(values, dtype=np.float64) - low) / (high - low)
        return np.clip(share * (self.dots - 1), -FARTHEST, FARTHEST)

    def dot(self, value: float) -> int:
        """Return the dot nearest to a value."""
        return round(float(self.position(math.log10(value) if self.log else value)))

    def edges(self) -> Floats:
        """Return the ``(dots + 1,)`` values at the boundaries between dots."""
        low, high = self.ends
        return low + (np.arange(self.dots + 1) - 0.5) * (high - low) / max(self.dots - 1, 1)

    def places(self) -> Floats:
        """Return the ``(dots,)`` values in the middle of each dot, as logarithms on a logarithmic scale."""
        return np.linspace(*self.ends, self.dots)

    @property
    def ends(self) -> tuple[float, float]:
        """The range, as logarithms if the scale is logarithmic."""
        if self.log:
            return math.log10(self.low), math.log10(self.high)
        return self.low, self.high


def joint_range(
    bounds: Iterable[tuple[float, float] | None], *, log: bool = False
) -> tuple[float, float]:
    """Return a range that holds all bounds and is never empty: ``(0, 1)`` by default (log: ``(0.1, 1)``)."""
    known = [pair for pair in bounds if pair is not None]
    if not known:
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = min(low for low, _ in known), max(high for _, high in known)
    return widened(low, high, log=log)


def widened(low: float, high: float, *, log: bool = False) -> tuple[float, float]:
    """Return the range itself, or a wider one if it is too narrow to divide."""
    if log:
        return (low, high) if high > low * 1.0001 else (low / 2, low * 2)
    if high - low > max(abs(low), abs(high), SMALLEST) * 1e-12:
        return low, high
    margin = abs(low) * 0.1 or 0.5
    return low - margin, high + margin


def roomy(low: float, high: float, *, log: bool = False) -> tuple[float, float]:
    """Round a range outwards by at most an eighth at either end, or of its decades if ``log``.

    While curves grow, such a range stays the same for many points and then jumps; an exact one changes
    with each point, and every cell of the chart with it.
    """
    if log:
        ends = roomy(math.log10(low), math.log10(high))
        return 10.0 ** ends[0], 10.0 ** ends[1]
    _, exponent = math.frexp(high - low)
    step = math.ldexp(1.0, exponent - 4)  # the range is 8 to 16 steps wide
    if not step or abs(low) + abs(high) >= step * 2**50:
        return low, high
    return math.floor(low / step) * step, math.ceil(high / step) * step


def _tamed(values: Floats) -> Floats:
    least, greatest = np.fmin.reduce(values, initial=1), np.fmax.reduce(values, initial=1)
    if least >= SMALLEST and greatest <= LARGEST:
        return values  # most curves: nothing to change, nothing to copy
    size = np.abs(values)
    tiny = (size < SMALLEST) & (values != 0)
    if least >= -LARGEST and greatest <= LARGEST and not tiny.any():
        return values
    tamed = np.where(size > LARGEST, np.copysign(np.inf, values), values)
    tamed[tiny] = 0.0
    return tamed
