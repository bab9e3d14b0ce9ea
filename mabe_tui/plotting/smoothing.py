"""Exponential smoothing of a noisy curve."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

NEGLIGIBLE = 1e-17
"""A weight below the rounding of a double."""


def ema(values: ArrayLike, weight: float) -> NDArray[np.float64]:
    """Return the exponential moving average, corrected for its start at zero.

    sₜ = Σ wᵗ⁻ⁱ vᵢ / Σ wᵗ⁻ⁱ over the values so far: the debiasing of Kingma & Ba (2015, "Adam",
    section 3), as in TensorBoard and Weights & Biases. A non-finite value stays in place
    and is skipped by the average.

    Args:
        values: ``(..., points)``: one curve per row.
        weight: share of the past kept at each value, in ``[0, 1)``; 0 smooths nothing.

    Returns:
        ``(..., points)`` smoothed values.

    Raises:
        ValueError: ``weight`` is outside ``[0, 1)``.
    """
    if not 0 <= weight < 1:
        raise ValueError(f"smoothing weight must be at least 0 and below 1, not {weight}")
    smoothed = np.array(values, dtype=np.float64)
    finite = np.isfinite(smoothed)
    if finite.all():
        _average(smoothed, weight)
        return smoothed
    for index in np.ndindex(smoothed.shape[:-1]):
        kept = finite[index]
        sums = smoothed[index][kept]
        _average(sums, weight)
        smoothed[index][kept] = sums
    return smoothed


def _average(values: NDArray[np.float64], weight: float) -> None:
    """Replace finite values by their averages."""
    _add_decayed(values, weight)
    values *= 1 - weight
    early = weight ** np.arange(1, min(values.shape[-1], _steps_to_forget(weight)) + 1)
    values[..., : len(early)] /= 1 - early


def _steps_to_forget(weight: float) -> int:
    """Number of steps after which the correction is negligible."""
    return math.ceil(math.log(NEGLIGIBLE) / math.log(weight)) if weight > 0 else 1


def _add_decayed(sums: NDArray[np.float64], weight: float) -> None:
    """Compute Σ wᵗ⁻ⁱ vᵢ for each vₜ: every pass doubles the reach of the sums (Hillis & Steele 1986).

    Faster than blockwise matrix products, and no power of the weight ever exceeds 1, which
    a scaled cumulative sum could not guarantee.
    """
    reach = 1
    while reach < sums.shape[-1] and weight**reach > NEGLIGIBLE:
        sums[..., reach:] += weight**reach * sums[..., :-reach]
        reach *= 2
