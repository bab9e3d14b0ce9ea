"""The grid of a study's ranges."""

from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from core.config.experiment import flatten
from core.config.tuning import Range, range_problems
from core.errors import ConfigError
from core.tasks.behaviour.settings import BehaviourExperiment, BehaviourTrainingConfig
from mabe_tui.runs.studies.definition import Prune
from mabe_tui.runs.studies.sampling import check_grid, grid_of, grid_size, pruner_of


def of(**ranges: Range) -> BehaviourExperiment:
    tune = {name.replace("__", "."): bounds for name, bounds in ranges.items()}
    return BehaviourExperiment(name="v2", tune=tune)


def values(bounds: Range, path: str = "training.learning_rate") -> list[Any]:
    return [each[path] for each in grid_of(of(**{path.replace(".", "__"): bounds}))]


def test_steps_and_choices_are_combined_in_order() -> None:
    both = of(
        training__learning_rate=Range(low=1e-4, high=1e-2, log=True, step=10),
        training__batch_size=Range(choices=(16, 32)),
    )
    assert grid_size(both) == 6
    assert [tuple(each.values()) for each in grid_of(both)] == [
        (1e-4, "16"), (1e-4, "32"), (1e-3, "16"), (1e-3, "32"), (1e-2, "16"), (1e-2, "32"),
    ]  # fmt: skip


def test_both_bounds_are_included_whatever_rounding_does() -> None:
    assert values(Range(low=0.1, high=0.7, step=0.1)) == pytest.approx(
        [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    )
    assert values(Range(low=0, high=1, step=0.4)) == pytest.approx([0, 0.4, 0.8])
    whole = values(Range(low=1, high=6, log=True, step=1.3), "training.epochs")
    assert whole == [1, 2, 3, 4, 5]
    assert values(Range(low=0.5, high=0.6, step=1)) == [0.5]


def test_a_range_without_values_is_named() -> None:
    with pytest.raises(ConfigError, match=r"tune\.training\.learning_rate lists no values; .*step"):
        grid_of(of(training__learning_rate=Range(low=0.1, high=1)))


def test_a_grid_that_is_too_large_is_refused_with_its_size() -> None:
    large = of(
        training__learning_rate=Range(low=1, high=50, step=1),
        training__weight_decay=Range(low=1, high=20, step=1),
    )
    with pytest.raises(ConfigError, match=r"1,000 combinations, more than 200; .*--trials 1000"):
        check_grid(large, None)
    with pytest.raises(ConfigError, match="more than --trials 999"):
        check_grid(large, 999)
    assert check_grid(large, 1000) == 1000


@pytest.mark.parametrize(
    ("bounds", "path", "problem"),
    [
        (Range(low=0.1, high=1, log=True, step=0.5), "training.learning_rate", "a factor, above 1"),
        (Range(low=0.1, high=1, step=0), "training.learning_rate", "not above 0"),
        (Range(low=1, high=9, step=1.5), "training.epochs", "not whole"),
        (Range(choices=(1, 2), step=1), "training.epochs", "either choices"),
    ],
)
def test_an_impossible_step_is_refused(bounds: Range, path: str, problem: str) -> None:
    known = flatten(BehaviourExperiment(name="v2"))
    ((where, found),) = range_problems({path: bounds}, BehaviourExperiment, known)
    assert where == f"tune.{path}"
    assert problem in found


@pytest.mark.parametrize("prune", ["median", "hyperband", "none"])
def test_hopeless_trials_end_early_and_good_ones_do_not(prune: Prune) -> None:
    training = BehaviourTrainingConfig(epochs=9, warmup_epochs=0)
    study = optuna.create_study(direction="maximize", pruner=pruner_of(prune, training))
    ended: dict[float, int] = {0.1: 0, 0.5: 0}
    for number in range(24):
        trial, value = study.ask(), 0.5 if number % 2 else 0.1
        for epoch in range(1, 10):
            trial.report(value, epoch)
            if trial.should_prune():
                ended[value] += 1
                study.tell(trial, state=TrialState.PRUNED)
                break
        else:
            study.tell(trial, value)
    assert ended[0.5] == 0
    assert (ended[0.1] > 0) is (prune != "none")
