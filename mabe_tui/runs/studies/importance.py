"""Which settings of a study its scores depend on, and which only seem to matter by chance."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState, create_trial

from core.errors import RunError
from core.system.progress import Progress
from mabe_tui.runs.studies.study import read_study

LEAST_TRIALS = 8
"""Trials below which chance explains anything."""
BETTER = 0.5
"""Share of the trials that PED-ANOVA compares with all: the better half. On studies of 12 and 30 trials it
finds a setting that matters more often than the best tenth (Optuna's default) does."""
SHUFFLES = 199
LEVEL = 0.05
"""Probability of calling any setting important if none is."""


class SettingImportance(msgspec.Struct, frozen=True, kw_only=True):
    """How much the scores depend on one setting."""

    setting: str
    importance: float
    """Its share of the sum over all settings."""
    noise: float
    """What it stays below, in the same unit, in 95 % of shuffles: what chance alone gives."""
    p: float
    """Probability of so much by chance, corrected for the number of settings (Holm 1979)."""
    above_noise: bool
    """Whether ``p`` is at most 5 %."""


class StudyImportance(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON of ``mabe tune --importance NAME --json``."""

    study: str
    version: str
    monitor: str
    trials: int
    """Trials that count: complete ones with their best value, and pruned ones with their best until then."""
    shuffles: int
    settings: tuple[SettingImportance, ...]
    """Most important first."""


def importance_of(folder: Path, progress: Progress | None = None) -> StudyImportance:
    """Judge the settings of a study.

    Importance is that of PED-ANOVA (Watanabe et al. 2023): how far the values of a setting in the better half
    of the trials are distributed unlike those in all. Noise is judged by shuffling the scores among the
    trials: then no setting has any influence, and what remains is chance.

    Args:
        folder: the study's.
        progress: called with (done, total, what).

    Raises:
        RunError: no such study, it cannot be read, or it has too few trials or settings.
    """
    study, definition = read_study(folder)
    rises = study.direction is optuna.study.StudyDirection.MAXIMIZE
    scored = [
        (trial, value)
        for trial in study.get_trials(deepcopy=False)
        if {*definition.ranges} <= {*trial.params} and (value := _value(trial, rises)) is not None
    ]
    if len(scored) < LEAST_TRIALS:
        raise RunError(
            f"{folder.name}: {len(scored)} trials with a score and all settings drawn; importance needs"
            f" {LEAST_TRIALS} at least, and says more with 30 (`mabe tune` goes on with the study)"
        )
    settings = judged(
        [trial.params for trial, _ in scored],
        scored[0][0].distributions,
        np.array([value for _, value in scored], np.float64),
        rises,
        progress,
    )
    if not settings:
        raise RunError(f"{folder.name}: all its trials have the same values, so nothing can matter")
    return StudyImportance(
        study=folder.name,
        version=definition.version,
        monitor=str(definition.settings.get("training.monitor", "")),
        trials=len(scored),
        shuffles=SHUFFLES,
        settings=settings,
    )


def judged(
    params: Sequence[Mapping[str, Any]],
    kinds: Mapping[str, BaseDistribution],
    scores: NDArray[np.float64],
    rises: bool,
    progress: Progress | None = None,
) -> tuple[SettingImportance, ...]:
    """Judge settings by the trials' scores; see :func:`importance_of`.

    Args:
        params: the values of each trial.
        kinds: the distribution of each setting.
        scores: ``(trials,)``.
        rises: whether a larger score is better.
        progress: called with (done, total, what).

    Returns:
        Settings that vary, most important first.
    """
    found = _importance(params, kinds, scores, rises)
    random = np.random.default_rng(0)
    shuffled: dict[str, list[float]] = {name: [] for name in found}
    for done in range(SHUFFLES if found else 0):
        if progress is not None:
            progress(done, SHUFFLES, "shuffles")
        for name, value in _importance(params, kinds, random.permutation(scores), rises).items():
            shuffled[name].append(value)
    return _compared(found, shuffled)


def _compared(
    found: Mapping[str, float], shuffled: Mapping[str, Sequence[float]]
) -> tuple[SettingImportance, ...]:
    """Compare each setting with its shuffles, most important first."""
    total = sum(found.values()) or 1.0
    chance = {
        name: (1 + sum(each >= value for each in shuffled[name])) / (1 + len(shuffled[name]))
        for name, value in found.items()
    }
    corrected, highest = {}, 0.0
    for place, name in enumerate(sorted(chance, key=chance.__getitem__)):
        highest = max(highest, min(1.0, chance[name] * (len(chance) - place)))
        corrected[name] = highest
    return tuple(
        SettingImportance(
            setting=name,
            importance=found[name] / total,
            noise=float(np.quantile(shuffled[name], 1 - LEVEL)) / total,
            p=corrected[name],
            above_noise=corrected[name] <= LEVEL,
        )
        for name in sorted(found, key=found.__getitem__, reverse=True)
    )


def _value(trial: FrozenTrial, rises: bool) -> float | None:
    if trial.state is TrialState.COMPLETE:
        return trial.value
    if trial.state is not TrialState.PRUNED or not trial.intermediate_values:
        return None
    return (max if rises else min)(trial.intermediate_values.values())


def _importance(
    params: Sequence[Mapping[str, Any]],
    kinds: Mapping[str, BaseDistribution],
    scores: NDArray[np.float64],
    rises: bool,
) -> dict[str, float]:
    """Return PED-ANOVA's divergence for each setting that varies; it is not normalised."""
    study = optuna.create_study(
        storage=optuna.storages.InMemoryStorage(), direction="maximize" if rises else "minimize"
    )
    study.add_trials(
        create_trial(params=dict(chosen), distributions=dict(kinds), value=float(value))
        for chosen, value in zip(params, scores, strict=True)
    )
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # all scores are alike: nothing is important, which it says, too
        return PedAnovaImportanceEvaluator(target_quantile=BETTER).evaluate(study)
