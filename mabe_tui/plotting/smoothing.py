"""Exponential smoothing of a noisy curve."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

NEGLIGIBLE = 1e-17
"""Below the rounding of a double."""


def ema(values: ArrayLike, weight: float) -> NDArray[np.float64]:
    """Exponential moving average, corrected for its start at nothing.

    sₜ = Σ wᵗ⁻ⁱ vᵢ / Σ wᵗ⁻ⁱ over the values so far: the debiasing of Kingma & Ba (2015, "Adam",
    section 3), as TensorBoard and Weights & Biases smooth. A value that is not finite stays where it
    is and is passed over by the average.

    Args:
        values: ``(..., points)``: a curve each row.
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
    """After so many steps the correction is negligible."""
    return math.ceil(math.log(NEGLIGIBLE) / math.log(weight)) if weight > 0 else 1


def _add_decayed(sums: NDArray[np.float64], weight: float) -> None:
    """Make Σ wᵗ⁻ⁱ vᵢ of each vₜ: every pass doubles how far back they reach (Hillis & Steele 1986).

    Quicker than a product of matrices block by block, and no power of the weight ever exceeds 1, which
    a scaled cumulative sum could not promise.
    """
    reach = 1
    while reach < sums.shape[-1] and weight**reach > NEGLIGIBLE:
        sums[..., reach:] += weight**reach * sums[..., :-reach]
        reach *= 2
