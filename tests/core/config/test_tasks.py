"""Versions, runs and digests of several tasks: the task decides what the settings are."""

import datetime as dt
from pathlib import Path

import pytest
import tomli_w

from core.config.decode import experiment_from
from core.config.experiment import ADDED, flatten, identity, to_table
from core.config.new_version import add_version
from core.config.registry import Registry, default_path, load
from core.errors import ConfigError, RunError
from core.run.request import RunRequest, decode_request
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.runs.launching.probes import step_digest
from mabe_tui.runs.listing.seeds import settings_digest
from tests.core.config.pairs import NAME, PairExperiment

FRAMES = "[experiments.frames]\n[experiments.frames.training]\nepochs = 3\n"
PAIRS = f'[experiments.near]\ntask = "{NAME}"\n[experiments.near.data]\npairs = 4\n'


@pytest.fixture
def written(tmp_path: Path):
    def write(*tables: str) -> Registry:
        path = tmp_path / "experiments.toml"
        path.write_text("\n".join(tables))
        return load(path)

    return write


def test_a_version_has_the_settings_of_its_task_and_its_children_have_its_task(written) -> None:
    registry = written(FRAMES, PAIRS, '[experiments.far]\nextends = "near"\n')
    assert isinstance(registry.experiment("frames"), BehaviourExperiment)
    far = registry.experiment("far", ["data.pairs=6", "training.monitor=loss"])
    assert isinstance(far, PairExperiment)
    assert (far.task, far.data.pairs, far.training.monitor) == (NAME, 6, "loss")
    assert registry.spec("far").name == "pairs"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('task = "behavoir"', r":2: experiments\.x\.task: no task 'behavoir'; did you mean 'behaviour'\?"),
        ("task = 3", r":2: experiments\.x\.task: 3 is not a text"),
        (f'extends = "frames"\ntask = "{NAME}"', r":3: experiments\.x\.task: x extends frames, whose task"),
        ('extends = "near"\ntask = "behaviour"', r":3: experiments\.x\.task: x extends near"),
        (f'task = "{NAME}"\ndata.pair = 4', r"unknown key of task 'pairs'; did you mean 'pairs'"),
        (f'task = "{NAME}"\ndata.pairs = "4"', r"'4' is not a whole number from 2 to 1000"),
        (f'task = "{NAME}"\nmodel.name = "tcn"', r"experiments\.x\.model: unknown key of task 'pairs'"),
        (f'task = "{NAME}"\ndata.pairs = 5', r"experiments\.x\.data\.pairs: 5 is odd"),
        (f'task = "{NAME}"\ntraining.monitor = "f1_macro"', r"not measured; choose one of loss, accuracy"),
    ],
)  # fmt: skip
def test_what_does_not_suit_the_task_is_refused_with_its_place(written, table, said) -> None:
    registry = written(f"[experiments.x]\n{table}\n", FRAMES, PAIRS)
    with pytest.raises(ConfigError, match=said):
        registry.experiment("x")


def test_a_section_that_only_an_override_names_is_blamed_on_it(written) -> None:
    registry = written(FRAMES, PAIRS)
    with pytest.raises(ConfigError, match=r"^--set model: unknown key of task 'pairs'"):
        registry.experiment("near", ["model.name=tcn"])
    with pytest.raises(ConfigError, match=r"^--set modle: unknown key; did you mean 'model'"):
        registry.experiment("frames", ["modle.name=tcn"])


def test_neither_an_override_nor_a_preset_changes_the_task(written) -> None:
    registry = written(FRAMES, f'[presets.p]\ntask = "{NAME}"\n')
    with pytest.raises(ConfigError, match="a version has one task; `mabe new NAME --task TASK`"):
        registry.experiment("frames", [f"task={NAME}"])
    with pytest.raises(ConfigError, match=r"presets\.p\.task: a version has one task"):
        registry.experiment("frames", preset="p")


def test_a_preset_has_to_suit_one_task_of_the_registry(written) -> None:
    preset = "[presets.few.data]\npairs = 2\n"
    both = written(FRAMES, PAIRS, preset)
    both.check_presets()
    assert both.experiment("near", preset="few").data.pairs == 2
    with pytest.raises(ConfigError, match=r"'few' is not for frames, .* presets for it: none"):
        both.experiment("frames", preset="few")
    with pytest.raises(ConfigError, match=r"presets\.few\.data\.pairs: unknown key"):
        written(FRAMES, preset).experiment("frames", preset="few")
    with pytest.raises(ConfigError, match=r"presets\.few\.data\.pairs: unknown key"):
        written(FRAMES, preset).check_presets()


def test_a_new_version_of_another_task(written) -> None:
    registry = written(FRAMES)
    made = add_version(registry, "near", None, ["data.pairs=8"], task=NAME)
    assert isinstance(made, PairExperiment)
    assert load(registry.path).experiment("near") == made
    with pytest.raises(ConfigError, match="x extends frames, whose task"):
        add_version(registry, "x", "frames", task=NAME)
    with pytest.raises(ConfigError, match="did you mean 'behaviour'"):
        add_version(registry, "x", None, task="behaviuor")


def request_of(registry: Registry, version: str) -> RunRequest:
    experiment = registry.experiment(version)
    now = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
    return RunRequest(
        run=f"{version}-x", created=now, launcher="local", seed=1, experiment=experiment
    )


def test_a_run_keeps_the_settings_of_its_task(written, tmp_path: Path) -> None:
    registry = written(FRAMES, PAIRS)
    for version in registry.versions:
        asked = request_of(registry, version)
        RunDir(tmp_path / version).write_request(asked)
        assert RunDir(tmp_path / version).read_request() == asked
        assert decode_request(tomli_w.dumps(to_table(asked))) == asked


def test_a_run_of_a_task_that_is_not_here_is_refused_in_words(written) -> None:
    table = to_table(request_of(written(PAIRS), "near"))
    table["experiment"]["task"] = "nowhere:SPEC"
    with pytest.raises(RunError, match=r"run\.toml: experiment\.task: .*cannot be imported"):
        decode_request(tomli_w.dumps(table))


def test_settings_from_before_there_were_tasks_are_read() -> None:
    experiment = load(default_path()).experiment("v6")
    table = to_table(experiment)
    del table["task"]
    assert experiment_from(table, str) == experiment


FIRST = ("v1", "v2", "v3", "v4", "v5", "v6", "v7")


def test_new_keys_leave_digests_of_settings_as_they_were() -> None:
    """Kept probes, kin among runs and studies of earlier versions go by these."""
    registry = load(default_path())
    digests = {
        version: (settings_digest(experiment), step_digest(experiment))
        for version in registry.versions
        if version in FIRST
        for experiment in [registry.experiment(version)]
    }
    assert digests == {
        "v1": ("bd1a1eb4a9b9", "d97bb9aba59c"),
        "v2": ("12a90839b740", "05fcc19adebe"),
        "v3": ("4445c0867146", "a2e8a1cd4f49"),
        "v4": ("894855d22fd2", "ca624d7ba02c"),
        "v5": ("e669c377c85d", "818502cd50f5"),
        "v6": ("3afdda641648", "29723e860921"),
        "v7": ("be897e47bca8", "4a55ebb73f59"),
    }


def test_a_key_that_was_added_counts_once_it_is_set() -> None:
    registry = load(default_path())
    first = registry.experiment("v1")
    assert flatten(first).keys() - identity(first).keys() == ADDED.keys()
    folds = [registry.experiment("v1", ["data.folds=3", f"data.fold={fold}"]) for fold in (0, 1)]
    assert len({settings_digest(each) for each in (first, *folds)}) == 3


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["data.fold=1"], "--set data.fold: 1 is a part of how many"),
        (["data.folds=5"], "data.folds = 5 needs it: one of 0 to 4"),
        (["data.folds=5", "data.fold=5"], "--set data.fold: 5 is not one of 0 to 4: data.folds = 5"),
        (["data.folds=2", "data.fold=0", 'data.validation_videos=["a"]'],
         "data.folds: cannot be had with data.validation_videos"),
        (["data.folds=1", "data.fold=0"], "1 is not a whole number from 2 to 1000"),
        (["data.validation_fraction=0", "training.early_stopping_patience=3"],
         "training.early_stopping_patience.* leaves nothing to measure"),
        (["data.validation_fraction=0", "training.scheduler=plateau"], "'plateau' watches a metric"),
        (["data.validation_videos=[]", "training.scheduler=plateau"], "its split leaves nothing"),
        (["data.validation_fraction=0", "training.keep_predictions=true"], "nor to predict"),
    ],
)  # fmt: skip
def test_folds_and_shares_that_make_no_sense(overrides, said) -> None:
    with pytest.raises(ConfigError, match=said):
        load(default_path()).experiment("v1", overrides)


@pytest.mark.parametrize(
    ("overrides", "validates"),
    [
        (["data.validation_fraction=0"], False),
        (["data.validation_fraction=0", "data.folds=2", "data.fold=1"], True),
        (["data.validation_fraction=0", 'data.validation_videos=["a"]'], True),
        (
            [
                "data.validation_videos=[]",
                "training.scheduler=cosine",
                "training.early_stopping_patience=none",
            ],
            False,
        ),
    ],
)
def test_everything_can_be_trained_on(overrides, validates) -> None:
    assert load(default_path()).experiment("v1", overrides).data.validates is validates
