"""Versions that are ensembles, and ``mabe run --all GROUP``."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from core.config.registry import load
from core.errors import ConfigError, MisuseError, RunError
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.launching.groups import group_plan
from mabe_tui.runs.launching.run_requests import LaunchOptions, requests_for
from mabe_tui.runs.store import RunStore
from tests.command_line import mabe
from tests.mabe_tui.tiny_run import SMALL, synthetic_folder, train_here

KEEP = "training.keep_predictions=true"
VERSIONS = """
[experiments.twin-a]
extends = "v6"
group = "twins"
[experiments.twin-b]
extends = "twin-a"
[experiments.twin-b.training]
seed = 7
[experiments.twins]
extends = "twin-a"
[experiments.twins.ensemble]
members = ["twin-a", "twin-b"]
how = "logistic"
folds = 2
[experiments.twins.training]
epochs = 1
warmup_epochs = 0
early_stopping_patience = "none"
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Both folds of twin-a and of twin-b, and the registry with their ensemble."""
    home = tmp_path_factory.mktemp("home")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MABE_HOME", str(home))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.delenv("MABE_REGISTRY", raising=False)
        patch.chdir(home)
        mabe("init")
        path = home / "experiments.toml"
        path.write_text(path.read_text() + VERSIONS)
        with patch.context() as inner:
            inner.setattr("core.training.stopping.StopWatch.install", lambda _: None)
            inner.setattr("warnings.showwarning", lambda *_, **__: None)
            data = synthetic_folder(home / "data")
            for version in ("twin-a", "twin-b"):
                options = LaunchOptions(
                    version=version, data=data, overrides=(*SMALL, KEEP), folds=2
                )
                train_here(home, options, registry=load(path))
        yield home
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


def asked(home: Path, *more: str) -> list[str]:
    words = [word for text in SMALL for word in ("--set", text)]
    return ["run", "--all", "twins", "--data", str(home / "data"), *words, *more]


def runs_of(home: Path, version: str) -> list[RunDir]:
    return [each.run for each in RunStore(home).entries() if each.version == version]


def test_what_is_finished_is_used_and_the_ensemble_made_once(home: Path) -> None:
    plan = json.loads(mabe(*asked(home), "--dry-run", "--json").stdout)
    assert [row["todo"] for row in plan] == ["use"] * 4 + ["ensemble"]
    assert plan[1]["which"].endswith("fold 1 of 2")
    done = mabe(*asked(home))
    assert "is finished: used as it is" in done.stderr
    (ensemble,) = runs_of(home, "twins")
    request = ensemble.read_request()
    assert {each.run for each in request.inputs} == {row["run"] for row in plan[:4]}
    assert request.experiment.ensemble is not None
    assert request.experiment.ensemble.how == "logistic"
    assert ensemble.history().epochs[0].metrics["accuracy"] > 0.3
    again = json.loads(mabe(*asked(home), "--json").stdout)
    assert [row["run"] for row in again][-1] == ensemble.id
    assert [run.id for run in runs_of(home, "twins")] == [ensemble.id]
    rows = json.loads(mabe("list", "--measured", "--json").stdout)
    (row,) = [each for each in rows if each["version"] == "twins"]
    assert (row["group"], row["model"], row["runs"]) == ("twins", "logistic of 2", 1)


def test_all_versions_of_a_group_are_tested(home: Path) -> None:
    if not runs_of(home, "twins"):
        mabe(*asked(home))
    data = str(home / "data")
    found = json.loads(mabe("eval", "--all", "twins", "--data", data, "--json").stdout)
    assert [(row["version"], len(row["runs"])) for row in found] == [
        ("twin-a", 2),
        ("twin-b", 2),
        ("twins", 1),
    ]
    assert all(row["metrics"]["accuracy"] > 0.1 for row in found)
    assert {(row["units"], row["trained_on"], row["problem"]) for row in found} == {(4, 4, None)}
    alone = json.loads(mabe("eval", found[2]["runs"][0], "--data", data, "--json").stdout)
    assert alone["metrics"] == found[2]["metrics"]
    table = mabe("eval", "--all", "twins", "--data", data).stdout.splitlines()
    assert [line.split()[0] for line in table] == ["version", "twin-a", "twin-b", "twins"]
    with pytest.raises(MisuseError, match="name a run, or a group"):
        mabe("eval", "--data", data)


def test_other_settings_or_seeds_are_other_runs(home: Path) -> None:
    registry, store = load(home / "experiments.toml"), RunStore(home)
    options = LaunchOptions(version="", data=home / "data", overrides=SMALL)
    plan = group_plan(registry, store, "twins", options)
    assert [step.todo for step in plan.steps] == ["use"] * 4
    assert plan.ensembles == ("twins",)
    own_split = group_plan(registry, store, "twins", LaunchOptions(
        version="", data=home / "data", overrides=SMALL, folds=1))  # fmt: skip
    assert [step.todo for step in own_split.steps] == ["start"] * 2
    seeds = LaunchOptions(version="", data=home / "data", overrides=SMALL, seeds=(1, 7))
    found = [(s.request.seed, s.todo) for s in group_plan(registry, store, "twins", seeds).steps]
    assert found[4:] == [(1, "start"), (1, "start"), (7, "use"), (7, "use")]


def test_a_run_that_was_stopped_goes_on_and_a_running_one_is_followed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, store = load(home / "experiments.toml"), RunStore(home)
    options = LaunchOptions(version="", data=home / "data", overrides=SMALL)
    states = {run.id: RunState.STOPPED for run in runs_of(home, "twin-a")}
    states |= {run.id: RunState.RUNNING for run in runs_of(home, "twin-b")}
    monkeypatch.setattr("mabe_tui.runs.launching.groups.state_of", lambda entry: states[entry.id])
    plan = group_plan(registry, store, "twins", options)
    assert [step.todo for step in plan.steps] == ["resume"] * 2 + ["follow"] * 2


def test_what_cannot_be_is_refused(home: Path) -> None:
    with pytest.raises(MisuseError, match="no version is in that group; did you mean 'twins'"):
        mabe("run", "--all", "twin")
    with pytest.raises(MisuseError, match="cannot be detached"):
        mabe(*asked(home), "-d")
    with pytest.raises(MisuseError, match="name a version"):
        mabe("run")
    with pytest.raises(MisuseError, match="--folds: 2 at least"):
        mabe("run", "twin-a", "--folds", "1")
    with pytest.raises(MisuseError, match="--seeds is for training, and twins is made of runs"):
        mabe("run", "twins", "--seeds", "1,2")
    with pytest.raises(RunError, match="v8 has none that has finished, nor has v8-boost"):
        mabe("run", "v8-blend")
    with pytest.raises(ConfigError, match="twins is an ensemble, which is not trained"):
        requests_for(load(home / "experiments.toml"), LaunchOptions(version="twins"))


def test_a_version_that_is_an_ensemble_is_made_of_the_newest_runs(home: Path) -> None:
    shown = json.loads(mabe("run", "twins", "--dry-run", "--json").stdout)
    assert (shown["how"], len(shown["inputs"])) == ("logistic", 4)
    mean = json.loads(
        mabe("run", "twins", "--set", "ensemble.how=mean", "--dry-run", "--json").stdout
    )
    assert mean["how"] == "mean"
