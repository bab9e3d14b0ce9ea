"""The details of a comparison: classes, figures, code and settings."""

import dataclasses
import json
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import precision_recall_fscore_support

from core.config.registry import default_path, load
from core.config.task_spec import task_spec
from core.evaluation.rows import COLUMNS, TOTAL, Rows
from core.evaluation.table import read_rows, rows_table
from core.tasks.behaviour.settings import BehaviourDataConfig, BehaviourExperiment
from mabe_tui.runs.comparison.class_picture import class_picture
from mabe_tui.runs.comparison.compare import changed_settings, compare
from mabe_tui.runs.comparison.inspection import Inspection, classes_of_counts, inspect
from mabe_tui.runs.comparison.report import comparison_report
from mabe_tui.runs.comparison.sides import Side
from mabe_tui.runs.store import RunStore
from tests.recorded import CLASSES, FRAMES, VIDEOS, write_all


def test_scores_of_the_classes_are_those_of_scikit_learn() -> None:
    counts = np.random.default_rng(0).integers(0, 50, (4, 4))
    truth = np.repeat(np.repeat(np.arange(4), 4), counts.ravel())
    predicted = np.repeat(np.tile(np.arange(4), 4), counts.ravel())
    expected = precision_recall_fscore_support(truth, predicted, labels=range(4), zero_division=0)
    scores = classes_of_counts("v5", CLASSES, counts).scores
    columns = ([getattr(s, n) for s in scores] for n in ("precision", "recall", "f1", "frames"))
    for ours, theirs in zip(columns, expected, strict=True):
        assert ours == pytest.approx(list(theirs))


def test_false_zero_none_and_missing_are_four_things() -> None:
    base = BehaviourExperiment(name="v1", actions={"sniff": "social"})
    other = BehaviourExperiment(name="v1", actions={}, data=BehaviourDataConfig(split_seed=0))
    sides = [Side(name=n, experiment=e, seed=1) for n, e in (("a", base), ("b", other))]
    rows = {row.key: row for row in changed_settings(sides)}
    assert rows["actions.sniff"].values == ("social", None)
    assert rows["actions.sniff"].missing == (False, True)
    assert rows["data.split_seed"].values[1] == 0
    assert rows["data.split_seed"].missing == (False, False)


def test_a_setting_that_one_side_lacks_and_the_other_unset_differs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables = iter([{"x": None, "y": False, "z": 1}, {"y": 0, "z": 1}])
    monkeypatch.setattr("mabe_tui.runs.comparison.compare.flatten", lambda _: next(tables))
    sides = [Side(name=n, experiment=BehaviourExperiment(name="v1"), seed=1) for n in "ab"]
    assert [row.key for row in changed_settings(sides)] == ["x", "y"]


@pytest.fixture(scope="module")
def inspected(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    home = tmp_path_factory.mktemp("home")
    write_all(home)
    store = RunStore(home)
    return inspect(compare(["v5", "v6", "v1"], store, load(default_path())), store)


def test_counts_are_of_all_videos_and_seeds(inspected: Inspection) -> None:
    v5, v6, v1 = inspected.classes
    assert sum(map(sum, v5.counts)) == 2 * len(VIDEOS) * FRAMES.sum()
    assert [score.name for score in v6.scores] == list(CLASSES)
    assert (v1.counts, v1.problem) == ((), "no run here")


def test_figures_are_means_over_the_seeds(inspected: Inspection) -> None:
    side, figures = inspected.sides[0], inspected.figures[0]
    seconds = [run.elapsed_seconds for run in side.runs if run.elapsed_seconds is not None]
    assert len(seconds) == 2
    assert figures.elapsed_seconds == pytest.approx(sum(seconds) / 2)
    assert figures.cost_usd is not None
    assert inspected.figures[2].elapsed_seconds is None


def test_code_is_held_against_the_first(inspected: Inspection) -> None:
    assert [change and change.same for change in inspected.code] == [True, None]


def test_a_damaged_table_is_a_problem_of_its_side(tmp_path: Path) -> None:
    runs = write_all(tmp_path)
    store = RunStore(tmp_path)
    comparison = compare([runs[0].id, runs[3].id], store, load(default_path()))
    runs[3].evaluation_table.write_bytes(b"no table")
    found = inspect(comparison, store)
    assert found.classes[0].problem is None
    assert "not an evaluation table" in str(found.classes[1].problem)


def test_all_of_it_is_json(inspected: Inspection) -> None:
    table = json.loads(msgspec.json.encode(inspected))
    assert {"sides", "settings", "verdicts", "classes", "figures", "code"} <= table.keys()


def test_a_task_without_confusions_has_scores_of_its_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inspected: Inspection
) -> None:
    runs = write_all(tmp_path)
    for run in runs:
        pq.write_table(rows_table(read_rows(run.evaluation_table)), run.evaluation_table)
    several = dataclasses.replace(task_spec("behaviour"), views=frozenset({"classes"}))
    store = RunStore(tmp_path)
    comparison = compare(["v5", "v6"], store, load(default_path()))
    (missing, _) = inspect(comparison, store).classes
    assert missing.scores == inspected.classes[0].scores
    assert "best-confusion.parquet: not there" in str(missing.problem)
    monkeypatch.setattr("mabe_tui.runs.comparison.inspection.spec_of", lambda _: several)
    found = inspect(comparison, store).classes
    for side, before in zip(found, inspected.classes, strict=False):
        assert (side.scores, side.counts, side.confusions) == (before.scores, (), ())
        assert side.problem is None
    assert all(line.text.strip() for line in class_picture(found, 80, lines=(0, 1))[:4])
    assert comparison_report(comparison, store, classes=found).matrices == ()


def test_a_task_of_means_alone_has_no_labels(tmp_path: Path) -> None:
    (run, *_) = write_all(tmp_path)
    counts = np.zeros((2, 1, len(COLUMNS)))
    counts[..., TOTAL:] = 3
    pq.write_table(rows_table(Rows(("a", "b"), ("loss",), counts)), run.evaluation_table)
    store = RunStore(tmp_path)
    comparison = compare([run.id, "v1"], store, load(default_path()))
    found = inspect(comparison, store).classes[0]
    assert (found.scores, found.counts) == ((), ())
    assert str(found.problem).endswith("has no classes")
