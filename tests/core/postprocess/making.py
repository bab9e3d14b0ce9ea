"""Made-up sequences with bouts, and probabilities that know more or less of them."""

import numpy as np

from core.postprocess.sequences import KeptSequence

LABELS = ("chase", "sniff")


def bouts(rng: np.random.Generator, frames: int, length: int, count: int) -> np.ndarray:
    """Truth of one label: so many bouts of one length, at least a length apart."""
    truth = np.zeros(frames, bool)
    places = rng.choice(frames // (3 * length), count, replace=False) * 3 * length + length
    for start in places:
        truth[start : start + length] = True
    return truth


def sequences(
    skill: float, units: int = 8, frames: int = 900, length: int = 20, seed: int = 0
) -> list[KeptSequence]:
    """Videos of two labels that do not overlap; with skill 0, probabilities know nothing."""
    rng = np.random.default_rng(seed)
    made = []
    for unit in range(units):
        chase = bouts(rng, frames, length, 5)
        truth = np.stack([chase, np.roll(bouts(rng, frames, length, 5), length) & ~chase], axis=1)
        score = skill * (2 * truth - 1) + rng.normal(-1.0, 1.0, truth.shape)
        values = (1 / (1 + np.exp(-score))).astype(np.float32)
        made.append(
            KeptSequence(
                unit=f"Lab/{unit}",
                fold=unit % 4,
                lab="Lab",
                labels=LABELS,
                values=values,
                truth=truth,
                frames_per_second=30.0,
            )
        )
    return made
