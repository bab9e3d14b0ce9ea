"""How a study chooses the values of its trials, and when it ends one early."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import optuna

from core.config.experiment import Experiment, TrainingConfig
from core.config.strict import field_type
from core.config.tuning import Range, number_type, spelled
from core.errors import ConfigError
from mabe_tui.runs.studies.definition import Prune, Sampler

STARTUP_TRIALS = 5
"""Finished trials before any trial is pruned by the median."""
WARMUP_SHARE = 10
"""No trial is pruned in the first tenth of its epochs, or during the warm-up of its learning rate."""
REDUCTION = 3
"""Hyperband: of the trials that reach a rung, one in this many goes on to the next."""
LARGEST_GRID = 200
"""Trials of a grid that runs without being asked for by number."""
ROUNDING = 1e-9


def sampler_of(how: Sampler, seed: int) -> optuna.samplers.BaseSampler:
    """Return Optuna's sampler. A grid needs none: its trials are queued when the study is created."""
    if how == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed)


def pruner_of(how: Prune, training: TrainingConfig) -> optuna.pruners.BasePruner:
    """Return Optuna's pruner.

    ``median`` ends a trial whose best value so far is worse than the median of the others at the same epoch;
    ``hyperband`` (Li et al. 2018) one that is not among the best third at an epoch where it compares them.
    """
    first = max(1, training.warmup_epochs, training.epochs // WARMUP_SHARE)
    if how == "none":
        return optuna.pruners.NopPruner()
    if how == "hyperband":
        return optuna.pruners.HyperbandPruner(
            min_resource=first, max_resource=training.epochs, reduction_factor=REDUCTION
        )
    return optuna.pruners.MedianPruner(STARTUP_TRIALS, n_warmup_steps=first)


def grid_of(experiment: Experiment) -> list[dict[str, Any]]:
    """Return all combinations of the values of a version's ranges, the last range varying fastest.

    Raises:
        ConfigError: a range lists no values.
    """
    kind = type(experiment)
    values = {
        path: _values(path, bounds, number_type(field_type(kind, path)) is int)
        for path, bounds in experiment.tune.items()
    }
    return [
        dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())
    ]


def grid_size(experiment: Experiment) -> int:
    """Return how many combinations :func:`grid_of` makes, without making them.

    Raises:
        ConfigError: a range lists no values.
    """
    kind = type(experiment)
    sizes = (
        len(_values(path, bounds, number_type(field_type(kind, path)) is int))
        for path, bounds in experiment.tune.items()
    )
    return math.prod(sizes)


def check_grid(experiment: Experiment, trials: int | None) -> int:
    """Return how many trials a grid has.

    Args:
        experiment: its ranges.
        trials: the number that was asked for, if any.

    Raises:
        ConfigError: it is larger than what was asked for, or than :data:`LARGEST_GRID`.
    """
    size, most = grid_size(experiment), trials if trials is not None else LARGEST_GRID
    if size > most:
        asked = f"--trials {trials}" if trials is not None else f"{LARGEST_GRID}"
        raise ConfigError(
            f"--sampler grid: {size:,} combinations, more than {asked}; widen the steps, list fewer choices,"
            f" fix a setting with --set, or ask for --trials {size}"
        )
    return size


def _values(path: str, bounds: Range, whole: bool) -> Sequence[Any]:
    if bounds.choices is not None:
        return [spelled(choice) for choice in bounds.choices]
    if bounds.step is None:
        raise ConfigError(
            f"--sampler grid: tune.{path} lists no values; give it choices = […] or a step (with log = true,"
            " the factor from one value to the next)"
        )
    steps = _steps(bounds, bounds.step)
    return [*dict.fromkeys(round(value) for value in steps)] if whole else [*steps]


def _steps(bounds: Range, step: float) -> Iterator[float]:
    assert bounds.low is not None  # checked when the registry was read
    assert bounds.high is not None
    for number in itertools.count():
        value = bounds.low * step**number if bounds.log else bounds.low + step * number
        if value > bounds.high * (1 + ROUNDING):
            return
        yield min(float(f"{value:.12g}"), bounds.high)
