"""Two synthetic versions with simulated scores, in which every source of variance has its own size."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.evaluation.crossed import group_of, variance_of
from core.evaluation.rows import counts_of, f1_macro
from core.evaluation.student import student_cdf

Floats = NDArray[np.float64]
SHARES = np.array([0.8, 0.1, 0.06, 0.04])
FRAMES_OF_A_BOUT = 20
"""Frames are right or wrong in stretches of this length: they are not independent draws."""


@dataclass(frozen=True)
class Luck:
    """Standard deviations of the log-odds of recall, by source."""

    seed: float = 0.3
    """Per run, over all videos."""
    other_seed: float | None = None
    """Per run of the second version, if different."""
    video: float = 0.4
    """Per video, the same for both versions."""
    version: float = 0.0
    """Per video, for the second version only."""
    interaction: float = 0.3
    """Per run and video."""
    skill: float = 1.5
    """The mean of the log-odds, which is not random."""
    sizes: Literal["alike", "unequal"] = "alike"
    classes: Literal["everywhere", "absent"] = "everywhere"


def two_versions(
    luck: Luck,
    studies: int,
    videos: int,
    seeds: tuple[int, int],
    rng: np.random.Generator,
    gain: float = 0.0,
) -> tuple[Floats, Floats]:
    """Make confusion counts ``(studies, seeds, videos, 4, 4)`` of two versions.

    Args:
        luck: the standard deviation of each source.
        studies: independent repetitions, each with its own videos.
        videos: the number of videos in each study.
        seeds: the number of runs of each version.
        rng: the random number generator.
        gain: how much better the second is, in standard deviations of ``luck.seed``.
    """
    truth = _truth(luck, studies, videos, rng)
    shared = luck.video * rng.standard_normal((studies, 1, videos, 4))
    own = luck.version * rng.standard_normal((studies, 1, videos, 4))
    other_seed = luck.seed if luck.other_seed is None else luck.other_seed
    first = _runs(luck, truth, seeds[0], luck.seed, shared, rng)
    better = shared + own + gain * luck.seed
    return first, _runs(luck, truth, seeds[1], other_seed, better, rng)


def _truth(luck: Luck, studies: int, videos: int, rng: np.random.Generator) -> Floats:
    shape = (studies, videos, 1)
    unequal = np.exp(rng.normal(7, 1.2, shape)) + 100
    frames = unequal if luck.sizes == "unequal" else rng.integers(500, 3000, shape)
    weights = 20 * SHARES if luck.classes == "everywhere" else np.array([8, 0.3, 0.2, 0.15])
    shares = rng.gamma(weights, size=(studies, videos, 4))
    bouts = np.round(shares / shares.sum(axis=-1, keepdims=True) * frames / FRAMES_OF_A_BOUT)
    return np.asarray(bouts * FRAMES_OF_A_BOUT)


def _runs(
    luck: Luck, truth: Floats, seeds: int, seed_sd: float, effect: Floats, rng: np.random.Generator
) -> Floats:
    studies, videos, _ = truth.shape
    of_run = 0.8 * rng.standard_normal((studies, seeds, 1, 1))
    of_run = of_run + 0.6 * rng.standard_normal((studies, seeds, 1, 4))  # total sd 1
    odds = luck.skill + effect + seed_sd * of_run
    odds = odds + luck.interaction * rng.standard_normal((studies, seeds, videos, 4))
    recall = 1 / (1 + np.exp(-odds))
    chances = np.repeat(((1 - recall) / 3)[..., None], 4, axis=-1)
    np.einsum("...cc->...c", chances)[...] = recall
    bouts = np.broadcast_to(truth[:, None] / FRAMES_OF_A_BOUT, odds.shape).astype(np.int64)
    return np.asarray(rng.multinomial(bouts, chances) * float(FRAMES_OF_A_BOUT))


def share_told_apart(
    luck: Luck,
    studies: int,
    videos: int,
    seeds: tuple[int, int],
    seed: int,
    gain: float = 0.0,
    seeds_count: bool = True,
) -> float:
    """Return the share of simulated studies in which the verdict distinguishes the two versions.

    Args:
        luck: the standard deviation of each source.
        studies: the number of studies.
        videos: the number of videos in each study.
        seeds: the number of runs of each version.
        seed: the random seed.
        gain: as in :func:`two_versions`; 0 for equal versions.
        seeds_count: whether seeds count as a source of variance; otherwise only videos do, as in earlier
            versions.
    """
    first, second = two_versions(luck, studies, videos, seeds, np.random.default_rng(seed), gain)
    found = variance_of(*(group_of(counts_of(side), f1_macro) for side in (first, second)))
    total = found.total if seeds_count else found.over_units
    freedom = found.freedom if seeds_count else np.full(studies, videos - 1.0)
    ratio = np.abs(found.difference) / np.sqrt(total)
    tails = [student_cdf(-one, df) for one, df in zip(ratio, freedom, strict=True)]
    return float(np.mean(np.array(tails) < 0.025))
