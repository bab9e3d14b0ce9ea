"""The runs of all folds count as one run, which is scored once on every unit."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from core.config.registry import Registry, default_path, load
from core.config.task_spec import task_spec
from core.evaluation.rows import Rows, concatenated, f1_macro
from core.evaluation.table import read_rows, rows_table
from core.run.events import Stopped
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.runs.comparison.compare import Comparison, compare
from mabe_tui.runs.comparison.compare_tables import NOT_POOLED, sections
from mabe_tui.runs.comparison.inspection import side_classes
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.fold_metrics import metrics_of
from mabe_tui.runs.listing.measured import Measured, measured_version
from mabe_tui.runs.store import RunStore
from tests.mabe_tui.recorded import record

FOLDS = (("a", "b", "c"), ("d", "e"), ("f", "g"))
REGISTRY = load(default_path())


def rows_of(videos: Sequence[str], seed: int, skill: float) -> Rows:
    """Made-up counts; the truth of a video depends on its name alone."""
    confusions = []
    for video in videos:
        truth = np.random.default_rng(ord(video)).integers(50, 400, 4)
        rng = np.random.default_rng([ord(video), seed])
        wrong = np.full((4, 4), (1 - skill) / 3) + np.eye(4) * (skill - (1 - skill) / 3)
        confusions.append([rng.multinomial(n, p) for n, p in zip(truth, wrong, strict=True)])
    labels = REGISTRY.experiment("v5").classes  # type: ignore[attr-defined]
    return Rows.from_confusions(videos, labels, np.array(confusions, dtype=np.float64))


def fold_run(
    home: Path, version: str, seed: int, fold: int, skill: float = 0.6, **more: object
) -> RunDir:
    """Write a finished run of one of three folds."""
    experiment = REGISTRY.experiment(version)
    assert isinstance(experiment, BehaviourExperiment)
    data = msgspec.structs.replace(experiment.data, folds=len(FOLDS), fold=fold)
    experiment = msgspec.structs.replace(experiment, data=data)
    run = record(
        home,
        experiment,
        seed=seed,
        videos=FOLDS[fold],
        source=f"s{fold}",
        **more,  # type: ignore[arg-type]
    )
    for epoch in ("best", "last"):
        path = run.evaluation_of(epoch)  # type: ignore[arg-type]
        path.parent.mkdir(exist_ok=True)
        pq.write_table(rows_table(rows_of(FOLDS[fold], seed, skill)), path)
    return run


def all_folds(home: Path, version: str, seed: int, skill: float = 0.6) -> list[RunDir]:
    return [fold_run(home, version, seed, fold, skill) for fold in range(len(FOLDS))]


def measured(home: Path, version: str) -> Measured:
    return measured_version(version, Catalog(RunStore(home)).records())


def compared(home: Path, *names: str) -> Comparison:
    registry: Registry = REGISTRY
    return compare(names, RunStore(home), registry)


def pooled_f1(seed: int, skill: float = 0.6) -> float:
    parts = [rows_of(videos, seed, skill) for videos in FOLDS]
    return float(f1_macro(concatenated(parts).pooled))


def test_the_score_of_all_folds_is_that_of_their_rows_together(tmp_path: Path) -> None:
    runs = all_folds(tmp_path, "v5", 1)
    found = measured(tmp_path, "v5")
    assert found.score == pytest.approx(pooled_f1(1), abs=1e-12)
    assert (found.score_std, found.left_out, found.finished) == (None, (), True)
    assert found.folds == (tuple(run.id for run in runs),)
    (side, _) = compared(tmp_path, "v5", "v7").sides
    assert side.best["f1_macro"] == pytest.approx(pooled_f1(1), abs=1e-12)
    assert side.folds == 3
    rows = concatenated([rows_of(videos, 1, 0.6) for videos in FOLDS])
    assert side.best["support/other"] == rows.pooled[0, [0, 2]].sum()
    assert 0 < side.best["f1/other"] < 1
    shown = side_classes(side, RunStore(tmp_path)).scores
    assert [score.f1 for score in shown] == [side.best[f"f1/{score.name}"] for score in shown]


def test_the_folds_of_each_seed_are_one_seed(tmp_path: Path) -> None:
    for seed in (1, 2):
        all_folds(tmp_path, "v5", seed)
    found = measured(tmp_path, "v5")
    scores = [pooled_f1(1), pooled_f1(2)]
    assert found.score == pytest.approx(np.mean(scores), abs=1e-12)
    assert found.score_std == pytest.approx(np.std(scores, ddof=1), abs=1e-12)
    assert (len(found.runs), len(found.folds)) == (2, 2)


def test_a_verdict_is_over_the_units_of_all_folds(tmp_path: Path) -> None:
    for seed in (1, 2):
        all_folds(tmp_path, "v5", seed, 0.6)
        all_folds(tmp_path, "v6", seed, 0.9)
    (verdict,) = compared(tmp_path, "v5", "v6").verdicts
    assert (verdict.videos, verdict.first_seeds, verdict.second_seeds) == (7, 2, 2)
    assert verdict.distinguishable is True
    expected = np.mean([pooled_f1(s, 0.9) - pooled_f1(s, 0.6) for s in (1, 2)])
    assert verdict.difference == pytest.approx(expected, abs=1e-12)


def test_the_tables_say_what_cannot_be_pooled(tmp_path: Path) -> None:
    all_folds(tmp_path, "v5", 1)
    comparison = compared(tmp_path, "v5", "v7")
    shown = {str(row[0]): row[1:] for row in sections(comparison)[1][1]}
    assert shown["folds"] == ["3", None]
    assert shown["loss"] == [NOT_POOLED, None]
    assert "epoch" not in shown  # each fold has its own
    assert "loss" not in {row[0] for row in sections(comparison, exact=True)[1][1]}


def test_an_incomplete_set_says_what_is_missing(tmp_path: Path) -> None:
    all_folds(tmp_path, "v5", 1)
    fold_run(tmp_path, "v5", 2, 0)
    fold_run(tmp_path, "v5", 2, 1, ending=Stopped)
    found = measured(tmp_path, "v5")
    assert found.score == pytest.approx(pooled_f1(1), abs=1e-12)
    assert found.left_out == ("seed 2: folds 1, 2 of 3 (from 0) not finished",)
    assert compared(tmp_path, "v5", "v7").sides[0].left_out == found.left_out


def test_where_no_set_is_complete_the_latest_run_stands_for_itself(tmp_path: Path) -> None:
    run = fold_run(tmp_path, "v5", 1, 0)
    found = measured(tmp_path, "v5")
    assert (found.runs, found.folds) == ((run.id,), ())
    assert found.left_out == ("seed 1: folds 1, 2 of 3 (from 0) not finished",)


def test_the_newest_run_of_a_fold_counts(tmp_path: Path) -> None:
    runs = all_folds(tmp_path, "v5", 1, 0.6)
    newer = fold_run(tmp_path, "v5", 1, 0, 0.9)
    found = measured(tmp_path, "v5")
    assert found.folds == ((newer.id, runs[1].id, runs[2].id),)
    parts = [rows_of(v, 1, s) for v, s in zip(FOLDS, (0.9, 0.6, 0.6), strict=True)]
    assert found.score == pytest.approx(float(f1_macro(concatenated(parts).pooled)), abs=1e-12)


def test_a_unit_in_two_folds_is_refused() -> None:
    with pytest.raises(ValueError, match="a is in two of the folds"):
        concatenated([rows_of(("a", "b"), 1, 0.5), rows_of(("a",), 1, 0.5)])


def trained_on_everything(home: Path, version: str) -> RunDir:
    """Write a run that kept nothing for validation."""
    experiment = REGISTRY.experiment(version, ["data.validation_fraction=0", "training.scheduler=none",
        "training.early_stopping_patience=none"])  # fmt: skip
    assert isinstance(experiment, BehaviourExperiment)
    return record(home, experiment, f1=(), videos=())


def test_training_on_everything_gets_no_verdict(tmp_path: Path) -> None:
    trained_on_everything(tmp_path, "v5")
    fold_run(tmp_path, "v6", 1, 0)
    (verdict,) = compared(tmp_path, "v6", "v5").verdicts
    assert "v5 trains on everything (data.validation_fraction = 0), and is not measured" in (
        verdict.sentence
    )


def test_a_newer_run_on_everything_hides_nothing(tmp_path: Path) -> None:
    all_folds(tmp_path, "v5", 1)
    trained_on_everything(tmp_path, "v5")
    assert measured(tmp_path, "v5").score == pytest.approx(pooled_f1(1), abs=1e-12)
    (side, _) = compared(tmp_path, "v5", "v7").sides
    assert side.best["f1_macro"] == pytest.approx(pooled_f1(1), abs=1e-12)


def test_a_metric_whose_function_is_gone_is_left_out() -> None:
    spec = task_spec("behaviour")
    gone = msgspec.structs.replace(spec.metrics[1], statistic="core.evaluation.rows:gone")
    task = dataclasses.replace(spec, metrics=(gone, *spec.metrics[2:]))
    found = metrics_of([[1.0, 2.0, 3.0, 0.0, 0.0]], task, ["other"])
    assert "f1_macro" not in found
    assert found["accuracy"] == pytest.approx(1 / 4)


def test_a_metric_may_need_the_labels_names() -> None:
    spec = task_spec("behaviour")
    official = msgspec.structs.replace(
        spec.primary_metric, statistic="core.evaluation.official:score_for", for_labels=True
    )
    task = dataclasses.replace(spec, metrics=(official,))
    counts = [[1.0, 0, 0, 0, 0], [0, 0, 5.0, 0, 0], [0, 0, 5.0, 0, 0]]
    assert metrics_of(counts, task, ["one/sniff", "one/run", "one/rest"])["f1_macro"] == 1 / 3
    assert metrics_of(counts, task, ["one/sniff", "two/run", "two/rest"])["f1_macro"] == 1 / 2


def test_folds_may_lack_labels_that_others_have(tmp_path: Path) -> None:
    runs = all_folds(tmp_path, "v5", 1)
    classes = rows_of("a", 1, 0.6).labels
    for run, videos in zip(runs[1:], FOLDS[1:], strict=True):
        rows = rows_of(videos, 1, 0.6)
        kept = [0, 2, 3]
        fewer = Rows(rows.units, tuple(classes[n] for n in kept), rows.counts[:, kept])
        pq.write_table(rows_table(fewer), run.evaluation_table)
    first, second, third = (read_rows(run.evaluation_table) for run in runs)
    whole = concatenated([first, second, third])
    assert whole.labels == tuple(sorted(classes))
    place = whole.labels.index(classes[1])
    assert whole.pooled[place].tolist() == first.pooled[1].tolist()
    assert measured(tmp_path, "v5").score == pytest.approx(f1_macro(whole.pooled), abs=1e-12)
    (side, _) = compared(tmp_path, "v5", "v7").sides
    assert side.best["f1_macro"] == pytest.approx(f1_macro(whole.pooled), abs=1e-12)
    assert concatenated([third, first, second]).labels == whole.labels
