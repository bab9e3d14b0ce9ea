"""Calibration by temperature, and the calibration error, computed from counts of logits.

All logits of a label are divided by a temperature (Guo et al. 2017, "On Calibration of Modern Neural
Networks"): values above 1 make probabilities less certain. The temperature with the least log loss is chosen.
The expected calibration error (same paper) is the difference between probability and frequency in bins of
probability, averaged over frames.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from core.postprocess.decide import logits

Counts = npt.NDArray[np.int64]

EDGES = np.linspace(-12.0, 12.0, 801)
"""Bounds of the bins of logits, 0.03 apart: a probability is known within 0.004."""
CENTRES = np.concatenate(([EDGES[0]], (EDGES[1:] + EDGES[:-1]) / 2, [EDGES[-1]]))
TEMPERATURES = 2.0 ** (np.arange(-48, 49) / 16)
"""From 1/8 to 8, 4 % apart."""
ERROR_BINS = 15


@dataclass(frozen=True, slots=True, eq=False)
class LogitCounts:
    """Histograms of logits, ``(802,)``: of the frames with the label, and of all frames."""

    positive: Counts
    all: Counts

    @classmethod
    def of(cls, values: npt.NDArray[np.float32], truth: npt.NDArray[np.bool_]) -> Self:
        """Count ``(frames,)`` probabilities of one label."""
        step = EDGES[1] - EDGES[0]
        place = np.floor((logits(values) - EDGES[0]) / step).astype(np.int64) + 1
        place = np.clip(place, 0, len(EDGES))
        bins = len(EDGES) + 1
        return cls(np.bincount(place[truth], minlength=bins), np.bincount(place, minlength=bins))

    @classmethod
    def none(cls) -> Self:
        """Return counts of no frames."""
        nothing = np.zeros(len(EDGES) + 1, np.int64)
        return cls(nothing, nothing)

    def __add__(self, other: "LogitCounts") -> "LogitCounts":
        return LogitCounts(self.positive + other.positive, self.all + other.all)


def temperature_of(counts: LogitCounts) -> float:
    """Return the temperature with the least log loss; 1 if no frame has the label, or all have it."""
    positives, frames = counts.positive.sum(), counts.all.sum()
    if positives in (0, frames):
        return 1.0
    scaled = CENTRES / TEMPERATURES[:, None]
    negative = counts.all - counts.positive
    loss = np.logaddexp(0, -scaled) @ counts.positive + np.logaddexp(0, scaled) @ negative
    return float(TEMPERATURES[loss.argmin()])


def calibration_error(counts: LogitCounts, temperature: float = 1.0) -> float:
    """Return the expected calibration error with logits divided by ``temperature``; 0 without frames."""
    frames = counts.all.sum()
    if not frames:
        return 0.0
    probability = 1 / (1 + np.exp(-CENTRES / temperature))
    place = np.minimum((probability * ERROR_BINS).astype(np.int64), ERROR_BINS - 1)
    claimed = np.bincount(place, probability * counts.all, ERROR_BINS)
    found = np.bincount(place, counts.positive, ERROR_BINS)
    return float(np.abs(claimed - found).sum() / frames)
