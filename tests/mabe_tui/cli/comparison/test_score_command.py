"""`mabe score`: a submission against a folder's annotations, a run against its own rows."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from core.config.registry import default_path, load
from core.errors import ConfigError, DataError, MisuseError
from core.evaluation.rows import COLUMNS, Rows
from core.evaluation.table import rows_table
from core.submission.reading import read_truth
from core.tasks.actions.settings import ActionsExperiment
from tests.core.data.conftest import Layout
from tests.mabe_tui.cli.conftest import Mabe
from tests.mabe_tui.recorded import record

FOLDS = (("one/1", "one/2"), ("two/3", "two/4"))
LABELS = ("one/sniff", "two/rear", "two/sniff")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two annotated videos of 10 frames, and one whose annotation file is missing."""
    layout = Layout(tmp_path / "data")
    listed = json.dumps(["mouse1,mouse2,sniff", "mouse2,self,rear"])
    for video in ("7", "8", "9"):
        layout.add(
            video, bouts=[(1, 2, "sniff", 0, 6), (2, 2, "rear", 4, 8)], behaviors_labeled=listed
        )
    layout.annotation_path("9").unlink()
    return layout.write()


def submission(folder: Path, path: Path, **changes: object) -> Path:
    table = read_truth(folder).table.drop(columns=["lab_id", "behaviors_labeled"])
    table.assign(**changes).to_csv(path, index_label="row_id")
    return path


def test_the_truth_scores_one_in_every_part(folder: Path, tmp_path: Path, invoke: Mabe) -> None:
    path = submission(folder, tmp_path / "truth.csv")
    result = invoke("score", str(path), "--data", str(folder), "--json")
    report = json.loads(result.stdout)
    assert (report["score"], report["low"], report["high"], report["videos"]) == (1, 1, 1, 2)
    for part in ("labs", "actions", "labs_actions", "by_video"):
        assert {each["score"] for each in report[part]} == {1}
    assert "1 of 3 labelled videos have no annotation file" in result.stderr


def test_parts_of_a_worse_submission(folder: Path, tmp_path: Path, invoke: Mabe) -> None:
    path = tmp_path / "worse.parquet"
    table = read_truth(folder).table
    table.loc[(table.video_id == "7") & (table.action == "sniff"), "stop_frame"] = 3
    table[table.video_id == "7"].to_parquet(path)
    arguments = ("score", str(path), "--data", str(folder))
    report = json.loads(invoke(*arguments, "--json").stdout)
    rear, sniff = (each["score"] for each in report["labs_actions"])
    assert (rear, sniff) == pytest.approx((2 / 3, 2 * 3 / (3 + 12)))
    assert report["score"] == pytest.approx((rear + sniff) / 2)
    assert [each["video"] for each in report["by_video"]] == ["8", "7"]
    assert any("no row for 1 of 2 annotated videos" in each for each in report["remarks"])
    for by, words in (
        ("lab", "lab"),
        ("action", "sniff"),
        ("lab-action", "recall"),
        ("video", "8"),
    ):
        assert words in invoke(*arguments, "--by", by).stdout.split("\n\n")[1]


def test_labs_can_be_left_out(folder: Path, tmp_path: Path, invoke: Mabe) -> None:
    table = pd.read_csv(folder / "train.csv")
    table.loc[table.video_id == 8, "lab_id"] = "CalMS21_task1"
    table.to_csv(folder / "train.csv", index=False)
    (folder / "train_annotation" / "CalMS21_task1").mkdir()
    moved = folder / "train_annotation" / "lab" / "8.parquet"
    moved.rename(folder / "train_annotation" / "CalMS21_task1" / "8.parquet")
    path = submission(folder, tmp_path / "truth.csv")
    path.write_text("".join(line for line in path.open() if ",8," not in line))
    arguments = ("score", str(path), "--data", str(folder), "--json")
    assert json.loads(invoke(*arguments).stdout)["score"] == 0.5
    without = (*arguments, "--leave-out", "CalMS21*")
    assert json.loads(invoke(*without).stdout)["score"] == 1
    with pytest.raises(ConfigError, match="no lab is called CRIM13; there are CalMS21_task1, lab"):
        invoke(*without, "--leave-out", "CRIM13")


def test_what_cannot_be_scored_is_refused(folder: Path, tmp_path: Path, invoke: Mabe) -> None:
    path = submission(folder, tmp_path / "clash.csv", target_id="mouse2", agent_id="mouse1")
    with pytest.raises(MisuseError, match=r"clash.csv: a submission .*--data DIR"):
        invoke("score", str(path))
    with pytest.raises(MisuseError, match=r"--data is for a submission, and v8 is no"):
        invoke("score", "v8", "--data", str(folder))
    with pytest.raises(DataError, match=r"gone.csv: no such file"):
        invoke("score", "gone.csv", "--data", str(folder))
    with pytest.raises(DataError, match="start_frame is after stop_frame"):
        backwards = submission(folder, tmp_path / "backwards.csv", start_frame=9)
        invoke("score", str(backwards), "--data", str(folder))
    (folder / "train_annotation" / "lab" / "7.parquet").unlink()
    (folder / "train_annotation" / "lab" / "8.parquet").unlink()
    with pytest.raises(DataError, match="no annotated video"):
        invoke("score", str(path), "--data", str(folder))


def actions_run(home: Path, fold: int | None, units: tuple[str, ...], counts: np.ndarray) -> str:
    """Write a finished run of the competition's task with these evaluation rows; return its id."""
    experiment = ActionsExperiment(name="v8", task="actions")
    data = msgspec.structs.replace(
        experiment.data, folds=None if fold is None else len(FOLDS), fold=fold
    )
    training = msgspec.structs.replace(experiment.training, monitor="accuracy")  # as recorded
    experiment = msgspec.structs.replace(experiment, data=data, training=training)
    run = record(home, experiment, videos=units, source=f"s{fold}")  # type: ignore[arg-type]
    path = run.evaluation_of("best")
    path.parent.mkdir(exist_ok=True)
    pq.write_table(rows_table(Rows(units, LABELS, counts)), path)
    return run.id


def counts_of(fold: int) -> np.ndarray:
    """Lab one sniffs perfectly; lab two misses half of its rears and all of its sniffs."""
    counts = np.zeros((2, len(LABELS), len(COLUMNS)))
    if fold == 0:
        counts[:, 0, 0] = 10
    else:
        counts[:, 1, 0] = counts[:, 1, 2] = counts[:, 2, 2] = 10
    return counts


def test_a_version_is_scored_out_of_fold_over_all_folds(home: Path, invoke: Mabe) -> None:
    first, _ = (actions_run(home, fold, FOLDS[fold], counts_of(fold)) for fold in (0, 1))
    report = json.loads(invoke("score", "v8", "--json").stdout)
    assert report["score"] == pytest.approx((1 + (2 / 3 + 0) / 2) / 2)
    assert (report["videos"], report["data"]) == (4, "the videos of all 2 folds")
    alone = json.loads(invoke("score", first, "--json").stdout)
    assert (alone["score"], alone["videos"]) == (1.0, 2)
    assert [each["lab"] for each in alone["labs"]] == ["one"]


def test_a_run_of_another_task_is_refused(home: Path, invoke: Mabe) -> None:
    run = record(home, load(default_path()).experiment("v5"))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="which the competition's score does not measure"):
        invoke("score", run.id)
    with pytest.raises(ConfigError, match="nonesuch"):
        invoke("score", "nonesuch")


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("by", ["lab", "action", "lab-action", "video"])
def test_tables_fit_eighty_columns(folder: Path, tmp_path: Path, invoke: Mabe, by: str) -> None:
    table = pd.read_csv(folder / "train.csv")
    name = "CalMS21_supplemental"
    table["lab_id"] = name
    table.to_csv(folder / "train.csv", index=False)
    (folder / "train_annotation" / "lab").rename(folder / "train_annotation" / name)
    path = submission(folder, tmp_path / "truth.csv")
    lines = invoke("score", str(path), "--data", str(folder), "--by", by).stdout.splitlines()
    assert max(map(len, lines)) <= 80


def test_verdicts_are_about_the_official_score(home: Path, invoke: Mabe) -> None:
    units = tuple(f"{lab}/{n}" for lab in ("one", "two") for n in range(6))
    rng = np.random.default_rng(0)

    def rows(skill: float) -> np.ndarray:
        counts = np.zeros((len(units), len(LABELS), len(COLUMNS)))
        for unit, name in enumerate(units):
            for label, action in enumerate(LABELS):
                if name.partition("/")[0] == action.partition("/")[0]:
                    found = rng.binomial(100, skill)
                    counts[unit, label, [0, 2]] = found, 100 - found
        return counts

    first = actions_run(home, None, units, rows(0.4))
    better, same = (actions_run(home, None, units, rows(skill)) for skill in (0.8, 0.4))
    for other, told_apart in ((better, True), (same, False)):
        report = json.loads(invoke("compare", first, other, "--json").stdout)
        (verdict,) = report["verdicts"]
        assert (verdict["metric"], verdict["checkpoints_differ"]) == ("score", told_apart)
        low, high = verdict["low"], verdict["high"]
        assert low < verdict["difference"] < high
