"""``mabe compare`` on runs of a third-party task whose primary metric is minimised."""

import json
from pathlib import Path

import pytest

from core import job
from core.config import registry
from core.errors import ConfigError
from core.evaluation.rows import mean
from core.evaluation.table import read_rows
from core.evaluation.versions import compare_versions
from core.run.events import Finished
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from tests.command_line import mabe
from tests.mabe_tui.toy_runs import SCENES, train_two_versions
from tests.toy import new_run
from tests.toy.pairs import SPEC


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hold two versions of the pairs, three seeds each."""
    home = tmp_path_factory.mktemp("pairs")
    train_two_versions(home)
    return home


@pytest.fixture(autouse=True)
def place(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setenv("MABE_HOME", str(home))
    monkeypatch.setenv("MABE_REGISTRY", str(home / registry.FILE_NAME))
    monkeypatch.setenv("COLUMNS", "200")


def test_the_verdict_is_over_the_task_s_own_units_and_lower_is_better(home: Path) -> None:
    found = json.loads(mabe("compare", "p1", "p2", "--json").stdout)
    (verdict,) = found["verdicts"]
    counts = [
        [read_rows(run.evaluation_table).counts for run in runs_of(home, version)]
        for version in ("p1", "p2")
    ]
    expected = compare_versions(*counts, mean, rises=False)
    assert (verdict["difference"], verdict["low"], verdict["videos"]) == (
        pytest.approx(expected.difference), pytest.approx(expected.low), 6,
    )  # fmt: skip
    assert (found["task"], found["metric"], found["metric_label"], found["rises"]) == (
        "tests.toy.pairs:SPEC", "mae", "MAE", False,
    )  # fmt: skip
    assert verdict["difference"] > 0  # p2 learns too slowly
    assert verdict["distinguishable"] is True
    assert verdict["probability_second_better"] < 0.025
    assert verdict["sentence"].startswith("p2 − p1 = +0.")
    assert " in MAE (lower is better), 95 % +0." in verdict["sentence"]
    assert verdict["sentence"].endswith(": p1 is better on 6 scenes with 3 seeds each")
    assert [side["problem"] for side in found["classes"]] == 2 * [
        "by how much the second of two images is brighter: has no classes"
    ]


def runs_of(home: Path, version: str) -> list[RunDir]:
    return [RunDir(path) for path in sorted((home / "runs").glob(f"{version}-*"), reverse=True)]


def test_tables_and_notes_use_the_task_s_words(tmp_path: Path) -> None:
    text = mabe("compare", "p1", "p2").stdout
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert [line.split()[0] for line in lines if line.startswith(("mae", "loss"))][:2] == [
        "mae",
        "loss",
    ]
    assert any(line.startswith("pairs/s, mean ") for line in lines)
    assert "mae of the pairs of all validation scenes pooled." in " ".join(lines)
    assert "luck of seeds and scenes" in " ".join(lines)
    for word in ("f1", "video", "frame"):
        assert word not in text.lower()
    page = tmp_path / "page.html"
    assert mabe("compare", "p1", "p2", "--html", str(page)).exit_code == 0
    assert "p1 is better on 6 scenes" in page.read_text()
    assert "Confusion matrices" not in page.read_text()


def test_two_seeds_of_one_version_are_a_bootstrap_over_scenes(home: Path) -> None:
    names = [run.id for run in runs_of(home, "p1")[:2]]
    (verdict,) = json.loads(mabe("compare", *names, "--json").stdout)["verdicts"]
    assert verdict["about"] == "checkpoints"
    assert verdict["method"] == "paired bootstrap over scenes, widened for few"
    assert " on 6 scenes; both are runs of p1 with the same settings" in verdict["sentence"]


def test_runs_of_different_tasks_are_refused(home: Path) -> None:
    mouse = RunDir(home / "runs" / "v1-20260101T090000-mice")
    request = runs_of(home, "p1")[0].read_request()
    mouse.write_request(
        type(request)(
            run=mouse.id, created=request.created, launcher="local", seed=1,
            experiment=BehaviourExperiment(name="v1"),
        )
    )  # fmt: skip
    with pytest.raises(ConfigError, match="runs of different tasks cannot be compared") as caught:
        mabe("compare", "p1", mouse.id)
    assert "p1: pairs, by how much" in str(caught.value)
    assert "v1: behaviour, one behaviour for each frame" in str(caught.value)


def test_checkpoints_are_measured_again_as_the_task_says(home: Path) -> None:
    run, other = runs_of(home, "p1")[0], runs_of(home, "p2")[0]
    names = [f"{run.id}@best", f"{other.id}@last"]
    found = json.loads(mabe("compare", *names, "--json").stdout)
    (verdict,) = found["verdicts"]
    sides = {side["run"]: side["metrics"]["mae"] for side in found["sides"]}
    assert verdict["difference"] == pytest.approx(sides[other.id] - sides[run.id])
    assert (verdict["metric"], verdict["videos"], verdict["distinguishable"]) == ("mae", 6, True)
    best = run.history().last(Finished)
    assert best is not None
    assert sides[run.id] == pytest.approx(best.best_metric, rel=1e-6)
    assert "6 scenes" in mabe("compare", *names).stdout


def test_checkpoints_of_a_task_that_predicts_nothing_are_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(vars(SPEC), "predictor", None)
    run = runs_of(home, "p1")[0].id
    for command in (["compare", f"{run}@best", f"{run}@last"], ["eval", run, "--data", "x"]):
        with pytest.raises(ConfigError, match="its TaskSpec names no predictor"):
            mabe(*command)
    with pytest.raises(ConfigError, match="does not say how its checkpoints predict"):
        mabe("predict", run, "--data", "x", "-o", "out.csv")


def test_the_list_of_versions_tells_them_apart_by_the_same_rule() -> None:
    listed = json.loads(mabe("list", "--measured", "--baseline", "p1", "--json").stdout)
    (row,) = (row for row in listed if row["version"] == "p2")
    assert row["score_delta"] > 0
    assert row["told_apart"] is True


def test_another_split_is_said_to_be_one_in_the_task_s_own_settings(home: Path) -> None:
    first = runs_of(home, "p1")[0].id
    split = ["data.split_seed", "data.validation_fraction"]
    for name, changed, keys in (
        ("p3", ["data.split_seed=1"], split),
        ("p4", ["data.split_seed=4"], [*split, "data.folds", "data.fold"]),
    ):
        other = new_run(
            home / "runs" / f"{name}-20260101T050000-{name}s1", "p1", [SCENES, *changed]
        )
        assert job.main([str(other.path)]) == 0
        (verdict,) = json.loads(mabe("compare", first, other.id, "--json").stdout)["verdicts"]
        assert "their validation sets differ" in verdict["sentence"]
        words = f"{', '.join(keys[:-1])} and {keys[-1]}"
        assert verdict["sentence"].endswith(f" in common); give both the same data, {words}")
