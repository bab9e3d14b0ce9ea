"""Ranges of ``[experiments.NAME.tune]``: their resolution, and one-line errors."""

from pathlib import Path

import pytest

from core.config.experiment import flatten, to_table
from core.config.registry import Registry, default_path, load
from core.config.tuning import NOT_TUNABLE, Range, spelled
from core.errors import ConfigError
from core.tasks.behaviour.settings import BehaviourExperiment

PARENT = """
[experiments.a.tune]
training.learning_rate = { low = 1e-4, high = 1e-2, log = true }
training.batch_size = { choices = [16, 32] }
"model.dropout" = { low = 0, high = 0.5 }
"""


def registry_of(folder: Path, *lines: str) -> Registry:
    path = folder / "experiments.toml"
    path.write_text("\n".join(["[experiments.a]", PARENT, *lines]))
    return load(path)


def test_ranges_are_inherited_replaced_whole_and_removed(tmp_path: Path) -> None:
    registry = registry_of(
        tmp_path,
        "[experiments.b]",
        'extends = "a"',
        "[experiments.b.tune]",
        "training.learning_rate = { choices = [0.1, 0.2] }",
        'training.batch_size = "none"',
        'model.channels = { choices = [[8, 16], "none"] }',
    )
    assert registry.experiment("b").tune == {
        "training.learning_rate": Range(choices=(0.1, 0.2)),
        "model.dropout": Range(low=0.0, high=0.5),
        "model.channels": Range(choices=([8, 16], "none")),
    }
    assert registry.experiment("a").tune["training.learning_rate"].log


def test_an_override_may_state_a_range(tmp_path: Path) -> None:
    registry = registry_of(tmp_path)
    changed = registry.experiment("a", ["tune.training.batch_size={choices=[4,8]}"])
    assert changed.tune["training.batch_size"].choices == (4, 8)


def test_ranges_are_no_setting_and_survive_being_written(tmp_path: Path) -> None:
    experiment = registry_of(tmp_path).experiment("a")
    assert not any(key.startswith("tune") for key in flatten(experiment))
    assert to_table(experiment)["tune"]["model.dropout"] == {"low": 0.0, "high": 0.5, "log": False}


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ("training.learning_rat = {low=1, high=2}", "no setting 'training.learning_rat'; did you mean"),
        ("training.learning_rate = {lo=1, high=2}", r"tune\.training\.learning_rate\.lo: unknown key"),
        ("training.learning_rate = {low=1}", "give low and high, or choices"),
        ("training.learning_rate = {}", r"write \{ low"),
        ("training.learning_rate = 0.1", "0.1 is no range"),
        ("training.learning_rate = {low=0.2, high=0.1}", "low 0.2 is not below high 0.1"),
        ("training.learning_rate = {low=0.1, high=0.1}", "low 0.1 is not below high 0.1"),
        ("training.weight_decay = {low=0, high=0.1, log=true}", "needs low above 0"),
        ('training.learning_rate = {low="x", high=2}', "'x' is not a number"),
        ("training.batch_size = {low=1.5, high=4}", "1.5 is not a whole number above 0"),
        ("training.batch_size = {low=0, high=4}", "0 is not a whole number above 0"),
        ("model.dropout = {low=0, high=1}", "is not a number from 0 and below 1"),
        ("model.name = {low=0, high=1}", "give choices"),
        ('model.name = {choices=["tcn", "tnc"]}', "'tnc' is not one of mlp"),
        ("training.batch_size = {choices=[8]}", "at least two choices"),
        ("training.batch_size = {choices=[8, 8]}", "each once"),
        ("training.batch_size = {choices=[8, 16], low=1}", "either choices, or low and high"),
        ('training.batch_size = {choices=[8, "none"]}', "'none' is not a whole number"),
        ("training.seed = {low=1, high=2}", "is not to be tuned"),
        ("hardware.gpu = {choices=['T4', 'L4']}", "is not to be tuned"),
        ("training = {choices=[1, 2]}", r"tune\.training\.choices: \[1, 2\] is no range"),
        ("trainig.epochs = {low=1, high=2}", "no setting 'trainig.epochs'; did you mean 'training"),
    ],
)  # fmt: skip
def test_what_no_experiment_could_be_drawn_from(tmp_path: Path, stated: str, message: str) -> None:
    registry = registry_of(
        tmp_path, "[experiments.b]", 'extends = "a"', "[experiments.b.tune]", stated
    )
    with pytest.raises(ConfigError, match=message) as raised:
        registry.experiment("b")
    assert "\n" not in str(raised.value)
    assert "experiments.b.tune." in str(raised.value)


def test_a_problem_names_its_line(tmp_path: Path) -> None:
    registry = registry_of(tmp_path, "[experiments.b]", 'extends = "a"', "[experiments.b.tune]",
                           "training.batch_size = {low=8, high=4}")  # fmt: skip
    line = registry.text.splitlines().index("training.batch_size = {low=8, high=4}") + 1
    with pytest.raises(ConfigError, match=rf"experiments\.toml:{line}: "):
        registry.experiment("b")


def test_shipped_ranges() -> None:
    registry = load(default_path())
    assert registry.experiment("v1").tune == {}
    for version in ("v2", "v3", "v4", "v5", "v6"):
        ranges = registry.experiment(version).tune
        assert ranges["training.learning_rate"].log
        assert ranges["training.weight_decay"].log
        assert {"model.dropout", "training.batch_size"} < set(ranges)
    # what a version has must be among what it is tuned over
    assert 384 in (registry.experiment("v6").tune["training.batch_size"].choices or ())


def test_settings_that_are_not_tuned_exist() -> None:
    settings = flatten(BehaviourExperiment(name="x"))
    assert all(any(f"{key}.".startswith(f"{fixed}.") for key in settings) for fixed in NOT_TUNABLE)


@pytest.mark.parametrize("value", [1, 0.1, 1e-05, True, "tcn", [64, 128], "none"])
def test_spelled_values_come_back(tmp_path: Path, value: object) -> None:
    from core.config.overrides import parse_override

    assert parse_override(f"key={spelled(value)}", BehaviourExperiment)[1] == {"key": value}
