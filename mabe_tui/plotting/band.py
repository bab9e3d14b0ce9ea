"""The area between two curves, such as a standard deviation on either side of a mean."""

from dataclasses import KW_ONLY, dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from mabe_tui.plotting.braille import LineStyle
from mabe_tui.plotting.decimation import Envelope, Floats, Pyramid
from mabe_tui.plotting.series import Scale, Series

DENSE = 2
"""From this many points per dot, all of a dot's points are within the band there."""


@dataclass(frozen=True, eq=False)
class Band(Series):
    """The area from ``y`` up to ``top``: a half-tone in a terminal, translucent in a file.

    All are ``(points,)``, and ``x`` never decreases. If an end is not finite there is a gap; the line that
    the band belongs to marks the bad values.

    Raises:
        ValueError: they are not number arrays of equal length.
    """

    _: KW_ONLY
    top: ArrayLike
    style: LineStyle = "faint"

    def __post_init__(self) -> None:
        super().__post_init__()
        if np.shape(self.top) != np.shape(self.x):
            raise ValueError(f"{self.name}: x is {np.shape(self.x)} and top {np.shape(self.top)}")

    @cached_property
    def ends(self) -> tuple[Floats, Floats, Floats]:
        """``x``, ``y`` and ``top``; both ends NaN if one of them is not finite."""
        x, y, top = (np.asarray(each, dtype=np.float64) for each in (self.x, self.y, self.top))
        whole = np.isfinite(y) & np.isfinite(top)
        return x, np.where(whole, y, np.nan), np.where(whole, top, np.nan)

    @cached_property
    def trouble(self) -> str:
        """Empty: the line marks bad values."""
        return ""

    def visible(self, low: float, high: float) -> Envelope:
        """Return the part from ``low`` to ``high`` in x."""
        x, y, top = self.ends
        inside = slice(np.searchsorted(x, low, "left"), np.searchsorted(x, high, "right"))
        x, y, top = x[inside], y[inside], top[inside]
        return Envelope(x, y, top, y, top, np.zeros(len(x), dtype=np.uint8))

    def between(self, x_scale: Scale) -> tuple[Floats, Floats, Floats]:
        """Return the band at each dot along x: interpolated, or the envelope of a dot's points if many.

        Returns:
            ``(columns,)`` each: the dots, and the values of the lower and of the upper end; NaN where
            there is no band.
        """
        x, y, top = self.ends
        below, above = self._pyramids
        if below.count(x_scale.low, x_scale.high) > DENSE * x_scale.dots:
            at, lowest = below.columns(x_scale.edges())
            _, highest = above.columns(x_scale.edges())
            return at.astype(np.float64), lowest.low, highest.high
        places = x_scale.places()
        lower, upper = (np.interp(places, x, end, np.nan, np.nan) for end in (y, top))
        return np.arange(x_scale.dots, dtype=np.float64), lower, upper

    @cached_property
    def _pyramids(self) -> tuple[Pyramid, Pyramid]:
        x, y, top = self.ends
        return Pyramid(x, y), Pyramid(x, top)


def dots_of(lower: Floats, upper: Floats, y_scale: Scale) -> tuple[Floats, Floats]:
    """Return the unrounded dots, from the bottom, of a band's ends; values ≤ 0 are below a log axis."""
    if y_scale.log:
        upper = np.log10(np.where(upper > 0, upper, np.nan))
        lower = np.log10(np.maximum(lower, y_scale.low))
    return y_scale.position(lower), y_scale.position(upper)
