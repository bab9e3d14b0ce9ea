"""Reduce any number of samples to a few columns without losing a peak: a pyramid of envelopes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

FACTOR = 64
"""Samples merged into one bucket per level: measured best for a million points on a terminal's width."""

BUCKETS_PER_COLUMN = 4
"""A level is used if it has this many buckets per column, so a peak is off by at most a quarter column."""

NAN, ABOVE, BELOW = np.uint8(1), np.uint8(2), np.uint8(4)
"""Bits of :attr:`Envelope.trouble`: NaN, plus infinity, minus infinity."""


@dataclass(frozen=True)
class Envelope:
    """Runs of consecutive samples, each summarised by six numbers; all arrays are ``(runs,)``.

    ``x`` is that of the run's first sample; ``low`` and ``high`` are over its finite values (NaN if it
    has none); ``first`` and ``last`` are its end values (NaN if not finite, so that a line breaks
    there); ``trouble`` has the bits of its non-finite values.
    """

    x: Floats
    low: Floats
    high: Floats
    first: Floats
    last: Floats
    trouble: NDArray[np.uint8]

    @classmethod
    def of_samples(cls, x: Floats, y: Floats) -> "Envelope":
        """Return each sample as a run of its own."""
        if np.isfinite(y).all():
            return cls(x, y, y, y, y, np.zeros(len(y), dtype=np.uint8))
        trouble = np.isnan(y) * NAN | np.isposinf(y) * ABOVE | np.isneginf(y) * BELOW
        values = np.where(trouble > 0, np.nan, y)
        return cls(x, values, values, values, values, trouble.astype(np.uint8))

    def __len__(self) -> int:
        return len(self.x)

    def part(self, start: int, stop: int) -> "Envelope":
        """Return the runs ``start ≤ index < stop``."""
        return Envelope(
            self.x[start:stop],
            self.low[start:stop],
            self.high[start:stop],
            self.first[start:stop],
            self.last[start:stop],
            self.trouble[start:stop],
        )

    def merged(self, starts: Indices) -> "Envelope":
        """Merge consecutive runs; each new run begins at one of ``starts`` (ascending, first 0)."""
        if not starts.size:
            return self.part(0, 0)
        ends = np.append(starts[1:], len(self)) - 1
        return Envelope(
            self.x[starts],
            np.fmin.reduceat(self.low, starts),
            np.fmax.reduceat(self.high, starts),
            self.first[starts],
            self.last[ends],
            np.bitwise_or.reduceat(self.trouble, starts),
        )

    def log10(self) -> "Envelope":
        """Return the envelope of the logarithms; a value ≤ 0 has none and counts as −∞."""
        low, high, first, last = (
            np.log10(values, out=np.full(len(self), np.nan), where=values > 0)
            for values in (self.low, self.high, self.first, self.last)
        )
        trouble = self.trouble | ((self.low <= 0) * BELOW)
        return Envelope(self.x, np.where(np.isnan(low), high, low), high, first, last, trouble)

    def bounds(self, *, above_zero: bool = False) -> tuple[float, float] | None:
        """Return the least and greatest finite value, optionally of those above 0; None if there is none."""
        low, high = self.low, self.high
        if above_zero:
            low = np.where(low > 0, low, np.where(high > 0, high, np.nan))
        if np.isnan(low).all():
            return None
        return float(np.fmin.reduce(low)), float(np.fmax.reduce(high))


class Pyramid:
    """Samples in order of x, and their envelopes over ever longer runs, 64-fold per level."""

    def __init__(self, x: Floats, y: Floats) -> None:
        """Build all levels: once per series, about 8 ns per sample.

        Args:
            x: ``(samples,)`` finite and never decreasing.
            y: ``(samples,)``, NaN and infinities allowed.

        Raises:
            ValueError: ``x`` decreases.
        """
        if (np.diff(x) < 0).any():
            raise ValueError("a pyramid needs samples in order of x")
        self.levels = [Envelope.of_samples(x, y)]
        while len(self.levels[-1]) > FACTOR:
            below = self.levels[-1]
            self.levels.append(below.merged(np.arange(0, len(below), FACTOR)))

    def samples(self, low: float, high: float) -> Envelope:
        """Return the samples with ``low ≤ x ≤ high`` and one neighbour on each side, undecimated."""
        x = self.levels[0].x
        start, stop = np.searchsorted(x, low, "left"), np.searchsorted(x, high, "right")
        return self.levels[0].part(max(int(start) - 1, 0), int(stop) + 1)

    def count(self, low: float, high: float) -> int:
        """Return the number of samples with ``low ≤ x ≤ high``."""
        x = self.levels[0].x
        return int(np.searchsorted(x, high, "right") - np.searchsorted(x, low, "left"))

    def columns(self, edges: Floats) -> tuple[Indices, Envelope]:
        """Return one envelope for each column ``edges[i] ≤ x < edges[i + 1]`` that has samples.

        Args:
            edges: ``(columns + 1,)`` ascending.

        Returns:
            The indices of the non-empty columns, and an envelope with as many runs.
        """
        level = self._level_for(edges)
        bounds = np.searchsorted(level.x, edges, "left")
        if level is not self.levels[0]:
            bounds[0] = max(bounds[0] - 1, 0)  # the bucket that the left edge cuts
        filled = np.flatnonzero(np.diff(bounds))
        visible = level.part(int(bounds[0]), int(bounds[-1]))
        return filled, visible.merged(bounds[filled] - bounds[0])

    def _level_for(self, edges: Floats) -> Envelope:
        """Return the coarsest level that still has several buckets per column."""
        samples, wanted = self.count(edges[0], edges[-1]), BUCKETS_PER_COLUMN * (len(edges) - 1)
        depth = 0
        while depth + 1 < len(self.levels) and samples >= wanted * FACTOR ** (depth + 1):
            depth += 1
        return self.levels[depth]
