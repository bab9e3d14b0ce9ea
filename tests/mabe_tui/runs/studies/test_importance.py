"""Which settings of a study matter, where that is known."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from core.config.tuning import Range
from core.errors import RunError
from core.tasks.behaviour.settings import BehaviourExperiment, BehaviourTrainingConfig
from mabe_tui.plotting.bars import Bar, svg_bars, text_bar
from mabe_tui.runs.studies import importance
from mabe_tui.runs.studies.definition import definition_of
from mabe_tui.runs.studies.importance import StudyImportance, importance_of, judged
from mabe_tui.runs.studies.study import open_study

RATE, SIZE, DECAY = "training.learning_rate", "training.batch_size", "training.weight_decay"
EXPERIMENT = BehaviourExperiment(
    name="v2",
    tune={
        RATE: Range(low=1e-4, high=1e-1, log=True),
        SIZE: Range(choices=(16, 32)),
        DECAY: Range(low=0, high=1),
    },
    training=BehaviourTrainingConfig(epochs=3, learning_rate=1e-2, batch_size=16),
)


KINDS: dict[str, BaseDistribution] = {
    RATE: FloatDistribution(1e-4, 1e-1, log=True),
    SIZE: CategoricalDistribution(("16", "32")),
    DECAY: FloatDistribution(0, 1),
}


@pytest.fixture(autouse=True)
def few_shuffles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "SHUFFLES", 59)


def drawn(trials: int, seed: int) -> list[dict[str, Any]]:
    random = np.random.default_rng(seed)
    return [
        {
            RATE: float(10 ** random.uniform(-4, -1)),
            SIZE: str(random.choice(["16", "32"])),
            DECAY: float(random.random()),
        }
        for _ in range(trials)
    ]


def tried(folder: Path, trials: int) -> StudyImportance:
    """Return the importance in a study whose score is the learning rate's; every third trial is pruned."""
    about = definition_of(EXPERIMENT, None, (), None, sampler="random")
    with open_study(folder, about, EXPERIMENT) as study:
        for number in range(trials):
            trial = study.new_trial()
            value = -abs(math.log10(float(trial.values[RATE])) + 2)
            trial.report(1, value)
            if number % 3:
                study.complete(trial, value)
            else:
                study.prune(trial)
    return importance_of(folder)


@pytest.mark.parametrize("rises", [True, False])
def test_the_setting_that_matters_is_found_and_no_other(rises: bool) -> None:
    params, noise = drawn(30, 3), np.random.default_rng(3).normal(0, 0.1, 30)
    scores = -np.abs(np.log10([each[RATE] for each in params]) + 2) + noise
    first, *others = judged(params, KINDS, scores if rises else -scores, rises)
    assert (first.setting, first.above_noise) == (RATE, True)
    assert first.importance > first.noise
    assert not any(each.above_noise for each in others)
    assert first.importance + sum(each.importance for each in others) == pytest.approx(1)


def test_where_nothing_matters_nothing_is_above_noise() -> None:
    wrong = sum(
        any(
            each.above_noise
            for each in judged(drawn(12, n), KINDS, np.random.default_rng(n).random(12), True)
        )
        for n in range(5)
    )
    assert wrong <= 1
    alike = judged(drawn(12, 1), KINDS, np.full(12, 0.5), True)
    assert not any(each.above_noise for each in alike)


def test_a_study_is_read_with_its_pruned_trials(tmp_path: Path) -> None:
    found = tried(tmp_path / "s", 12)
    assert (found.study, found.version, found.monitor, found.trials) == ("s", "v2", "f1_macro", 12)
    assert {each.setting for each in found.settings} == {RATE, SIZE, DECAY}


def test_what_cannot_be_judged_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"3 trials with a score .* needs 8 at least"):
        tried(tmp_path / "few", 3)
    with pytest.raises(RunError, match="no study 'none'; there is few"):
        importance_of(tmp_path / "none")
    other = tmp_path / "other"
    other.mkdir()
    optuna.create_study(storage=f"sqlite:///{other / 'study.db'}", study_name="study")
    with pytest.raises(RunError, match="not a study of `mabe tune`"):
        importance_of(other)


def test_bars_show_value_and_mark() -> None:
    bars = [Bar("a<b", 0.5, 0.25, strong=True), Bar("c", 0.0, 7.0, strong=False)]
    assert text_bar(bars[0], 8, ascii_only=True) == "##|#    "
    assert text_bar(bars[1], 4, ascii_only=True) == "   |"
    picture = svg_bars(bars, "title", ["below"])
    assert "a&lt;b" in picture
    assert picture.count("<rect") == 3
