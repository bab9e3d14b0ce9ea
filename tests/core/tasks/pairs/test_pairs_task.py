"""The task on pairs: its batches, its loss, its measure, and a whole run."""

import csv
import dataclasses
import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from core import job
from core.config.registry import default_path, load
from core.errors import ConfigError, DataError, UserError
from core.evaluation.predictions import Predictions, read_predictions
from core.evaluation.rows import accuracy
from core.evaluation.table import read_rows
from core.inference.checkpoints import load_checkpoint
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.tasks.pairs.augmentation import changed, draw_maps, shifted
from core.tasks.pairs.build import open_data
from core.tasks.pairs.data.digits import DigitSettings, write_digit_pairs
from core.tasks.pairs.inference.predictor import predictor
from core.tasks.pairs.loss import BinaryLoss, pair_loss
from core.tasks.pairs.scoring import score
from core.tasks.pairs.settings import (
    PairsAugmentationConfig,
    PairsExperiment,
    PairsTrainingConfig,
)
from core.tasks.pairs.task import PairsTask
from core.tasks.predictor import PredictionOptions

CPU = torch.device("cpu")
SMALL = (
    "data.digits_pairs=200",
    "data.digits_side=12",
    "model.width=4",
    "model.feature_size=8",
    "training.epochs=2",
    "training.batch_size=32",
    "training.keep_predictions=true",
)


def experiment(version: str = "pairs-plain", *overrides: str) -> PairsExperiment:
    found = load(default_path()).experiment(version, [*SMALL, *overrides], "small-pairs")
    assert isinstance(found, PairsExperiment)
    return found


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def task_of(wanted: PairsExperiment, cache: Path, seed: int = 1) -> PairsTask:
    data = open_data(wanted, None, cache, lambda *_: None)
    return PairsTask(wanted, data, CPU, seed)


# ── batches ───────────────────────────────────────────────────────────────────────────────────


def test_a_batch_depends_on_seed_epoch_and_number_alone(cache: Path) -> None:
    task = task_of(experiment("stage1"), cache)
    batches = [*task.train_batches(2)]
    (again,) = [*task_of(experiment("stage1"), cache).train_batches(2, skip=4)]
    assert sum(batch.size for batch in batches) == task.summary.train_examples == 160
    for one, other in zip(batches[4].inputs, again.inputs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    first = next(iter(task.train_batches(1)))
    assert not torch.equal(first.targets, batches[0].targets)


@pytest.mark.parametrize("relation", ["same", "greater"])
def test_swapped_pairs_have_the_label_of_the_other_order(cache: Path, relation: str) -> None:
    settings = (f"data.digits_relation={relation}", "training.batch_size=160")
    plain = next(iter(task_of(experiment("pairs-plain", *settings), cache).train_batches(1)))
    swapping = experiment("pairs-plain", *settings, "training.augmentation.swap=1")
    swapped = next(iter(task_of(swapping, cache).train_batches(1)))
    torch.testing.assert_close(swapped.inputs[0], plain.inputs[1])
    torch.testing.assert_close(swapped.inputs[1], plain.inputs[0])
    expected = plain.targets if relation == "same" else 1 - plain.targets
    torch.testing.assert_close(swapped.targets, expected)


def test_a_swap_of_unknown_meaning_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"set data\.swapped"):
        experiment("stage1", "data.source=npz", "training.augmentation.swap=0.5")


def test_images_change_together_or_each_in_its_own_way(cache: Path) -> None:
    same = experiment("stage1")
    together = experiment("stage1", "training.augmentation.together=true")
    for wanted, alike in ((same, False), (together, True)):
        data = open_data(wanted, None, cache, lambda *_: None)
        part = dataclasses.replace(data.parts[0], second=data.parts[0].first)  # paired with itself
        data = dataclasses.replace(data, parts=(part, *data.parts[1:]))
        batch = next(iter(PairsTask(wanted, data, CPU, 1).train_batches(1)))
        assert torch.equal(*batch.inputs) == alike


def test_no_change_leaves_images_as_they_are() -> None:
    images = torch.rand(3, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    nothing = draw_maps(PairsAugmentationConfig(), 3, torch.Generator())
    torch.testing.assert_close(changed(images, nothing), images, rtol=0, atol=1e-5)
    a_lot = PairsAugmentationConfig(rotation=15, shift=0.1, crop=0.9)
    maps = draw_maps(a_lot, 500, torch.Generator().manual_seed(0))
    area = torch.linalg.det(maps[:, :, :2])
    assert 0.9 <= area.min() < 0.91 < 0.99 < area.max() <= 1
    angles = torch.atan2(maps[:, 1, 0], maps[:, 0, 0]).rad2deg()
    assert 14 < angles.abs().max() <= 15
    torch.testing.assert_close(shifted(images, 1, -2)[..., :10, 1:], images[..., 2:, :-1])


# ── loss and measure ──────────────────────────────────────────────────────────────────────────


def test_the_loss_is_torchs_own_where_nothing_is_asked_for() -> None:
    logits, targets = torch.tensor([-2.0, 0.5, 3.0]), torch.tensor([0.0, 1.0, 0.0])
    loss = BinaryLoss()(logits, targets)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
    torch.testing.assert_close(loss.total / loss.weight, expected)
    focal = BinaryLoss(focal_gamma=2.0, positive_weight=3.0)(logits, targets)
    likely = torch.sigmoid(torch.tensor([2.0, 0.5, -3.0]))
    each = (1 - likely) ** 2 * -likely.log() * torch.tensor([1.0, 3.0, 1.0])
    torch.testing.assert_close(focal.total, each.sum())
    assert focal.weight == 5
    smoothed = BinaryLoss(label_smoothing=0.2)(torch.tensor([9.0]), torch.tensor([1.0]))
    assert smoothed.total == pytest.approx(0.1 * 9, abs=1e-3)


def squared(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return (logits - targets) ** 2


def summed(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return squared(logits, targets).sum()


def test_a_loss_of_ones_own_is_called_by_its_name() -> None:
    targets = torch.tensor([0.0, 1.0])
    loss = pair_loss(PairsTrainingConfig(loss=f"{__name__}:squared"))(targets + 1, targets)
    assert (loss.total, loss.weight) == (2, 2)
    with pytest.raises(ConfigError, match=r"returned \(\), not the loss of each of 2 pairs"):
        pair_loss(PairsTrainingConfig(loss=f"{__name__}:summed"))(targets, targets)
    with pytest.raises(ConfigError, match="has no 'absent'"):
        pair_loss(PairsTrainingConfig(loss=f"{__name__}:absent"))


def predictions(truth: np.ndarray, positive: np.ndarray) -> Predictions:
    return Predictions.of(
        pa.table(
            {
                "unit": [f"val/{n:06d}" for n in range(len(truth))],
                "label": np.array(["negative", "positive"])[truth],
                "probability/negative": (1 - positive).astype(np.float32),
                "probability/positive": positive.astype(np.float32),
            }
        )
    )


def test_the_truth_against_itself_is_perfect_and_against_chance_half_right() -> None:
    truth = np.arange(2000) % 2
    perfect = score(experiment(), predictions(truth, truth.astype(float))).metrics()
    assert [perfect[name] for name in ("accuracy", "f1", "precision", "recall")] == [1, 1, 1, 1]
    assert perfect["loss"] == pytest.approx(0, abs=1e-6)
    chance = score(experiment(), predictions(truth, np.random.default_rng(0).random(2000)))
    assert chance.metrics()["accuracy"] == pytest.approx(0.5, abs=0.05)
    rows = chance.table().to_pydict()
    assert sum(rows["tp"]) == pytest.approx(2000 * chance.metrics()["accuracy"])


# ── a whole run ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    run = RunDir(tmp_path_factory.mktemp("home") / "runs" / "pairs-plain-20260101T000000-aaaa")
    wanted = experiment("pairs-plain", "training.epochs=3", "data.digits_relation=greater")
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    run.write_request(
        RunRequest(run=run.id, created=now, launcher="local", seed=1, experiment=wanted)
    )
    assert job.main([str(run.path)]) == 0
    return run


def test_a_run_keeps_what_comparisons_and_ensembles_need(trained: RunDir) -> None:
    last = trained.history().epochs[-1]
    assert {*last.metrics} == {"loss", "accuracy", "f1", "precision", "recall"}
    kept = read_predictions(trained.predictions)
    assert (kept.labels, len(kept.units)) == (("negative", "positive"), 40)
    rows = read_rows(trained.evaluation_table)
    assert rows.units[0] == "val/000000"
    best = max(each.metrics["accuracy"] for each in trained.history().epochs)
    assert accuracy(rows.pooled) == pytest.approx(best)
    assert score(experiment(), kept).metrics()["accuracy"] == pytest.approx(best)


def test_checkpoints_predict_and_are_evaluated_as_in_training(
    trained: RunDir, tmp_path: Path
) -> None:
    wanted = trained.read_request().experiment
    assert isinstance(wanted, PairsExperiment)
    write_digit_pairs(tmp_path / "data", DigitSettings.of(wanted.data))
    one = predictor([load_checkpoint(trained, "best")], CPU)
    best = max(each.metrics["accuracy"] for each in trained.history().epochs)
    found = one.evaluate(tmp_path / "data", PredictionOptions())
    assert found.metrics["accuracy"] == pytest.approx(best)
    valid = one.validate(trained.read_request(), trained.path.parents[1] / "cache", lambda *_: None)
    assert valid.metrics["loss"] == pytest.approx(found.metrics["loss"], rel=1e-5)
    written = one.write(tmp_path / "data", tmp_path / "out.csv", PredictionOptions())
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [row["pair"] for row in rows[:2]] == ["test_public/000000", "test_public/000001"]
    assert written.document["positive"] == sum(int(row["prediction"]) for row in rows)
    with pytest.raises(UserError, match=r"end the name in \.csv or \.parquet"):
        one.targets(tmp_path / "out.txt")
    with np.load(tmp_path / "data/val.npz") as file:
        small = {"first": file["first"][:, :10], "second": file["second"][:, :10]}
    np.savez(tmp_path / "data/test_public.npz", **small)
    with pytest.raises(DataError, match=r"images are \(10, 12\), but the checkpoint learned from"):
        one.write(tmp_path / "data", tmp_path / "out.csv", PredictionOptions())
    with pytest.raises(DataError, match="no array of labels"):
        one.evaluate(tmp_path / "data", PredictionOptions(table="test_public"))


def test_images_on_another_scale_are_refused(trained: RunDir, tmp_path: Path) -> None:
    wanted = trained.read_request().experiment
    assert isinstance(wanted, PairsExperiment)
    write_digit_pairs(tmp_path / "data", DigitSettings.of(wanted.data))
    one = predictor([load_checkpoint(trained, "best")], CPU)
    with np.load(tmp_path / "data/test_public.npz") as file:
        given = {
            "first": file["first"] / np.float32(255),
            "second": file["second"] / np.float32(255),
        }

    def answers(**arrays: np.ndarray) -> str:
        np.savez(tmp_path / "data/test_public.npz", **arrays)
        one.write(tmp_path / "data", tmp_path / "out.csv", PredictionOptions())
        return (tmp_path / "out.csv").read_text()

    assert answers(**given) == answers(**{k: v.astype(np.float64) for k, v in given.items()})
    for factor in (255, 1 / 255):
        with pytest.raises(DataError, match="write them on one scale"):
            answers(**{k: v * np.float32(factor) for k, v in given.items()})
    answers(**{k: v * 0 for k, v in given.items()})


def test_views_turn_the_answer_where_a_swap_turns_the_label(trained: RunDir) -> None:
    one = predictor([load_checkpoint(trained, "best")], CPU)
    images = torch.rand(5, 1, 12, 12, generator=torch.Generator().manual_seed(3))
    other = torch.rand(5, 1, 12, 12, generator=torch.Generator().manual_seed(4))
    straight = one.probabilities((images, other), tta=True)
    turned = one.probabilities((other, images), tta=True)
    torch.testing.assert_close(straight, turned.flip(1))
    assert not torch.allclose(
        one.probabilities((images, other)), one.probabilities((other, images)).flip(1)
    )


def test_shuffled_labels_teach_nothing(tmp_path: Path) -> None:
    wanted = experiment("pairs-plain", "data.digits_pairs=1000", "training.batch_size=64")
    write_digit_pairs(tmp_path / "data", DigitSettings.of(wanted.data))
    for name in ("train", "val"):
        with np.load(tmp_path / f"data/{name}.npz") as file:
            arrays = dict(file)
        arrays["label"] = np.random.default_rng(0).permutation(arrays["label"])
        np.savez(tmp_path / f"data/{name}.npz", **arrays)
    data = open_data(wanted, str(tmp_path / "data"), tmp_path / "cache", lambda *_: None)
    task = PairsTask(wanted, data, CPU, 1)
    torch.manual_seed(0)
    model = task.build_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in (1, 2, 3):
        for batch in task.train_batches(epoch):
            loss = task.loss(model(batch.inputs), batch)
            optimizer.zero_grad()
            (loss.total / loss.weight).backward()
            optimizer.step()
    measure = task.measure()
    with torch.no_grad():
        for batch in task.validation_batches():
            measure.update(model.eval()(batch.inputs), batch)
    assert measure.metrics()["accuracy"] == pytest.approx(0.5, abs=0.1)
