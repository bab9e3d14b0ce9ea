"""Learning from a teacher's probabilities of pairs, also where their images change places."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.system.device import to_device
from core.tasks.pairs.build import open_data
from core.tasks.pairs.settings import (
    PairsAugmentationConfig,
    PairsDataConfig,
    PairsExperiment,
    PairsTrainingConfig,
)
from core.tasks.pairs.task import PairsTask
from core.tasks.predictor import Predictor
from core.tasks.teacher import Teacher

pytest.importorskip("sklearn")
CPU = torch.device("cpu")


class Knows:
    """A predictor that answers with a digest of the two images: another for the two exchanged."""

    def probabilities(self, images: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        first, second = (each.flatten(1).double() for each in images)
        share = (first.mean(1) + 0.5 * second.mean(1)).float().clamp(0.01, 0.99)
        return torch.stack((1 - share, share), dim=1)


def experiment(**training: Any) -> PairsExperiment:
    return PairsExperiment(
        name="p",
        task="pairs",
        data=PairsDataConfig(digits_pairs=100, digits_relation="greater", digits_side=12),
        training=PairsTrainingConfig(
            batch_size=16,
            augmentation=PairsAugmentationConfig(swap=0.5, shift=0.1),
            **training,
        ),
    )


def task_of(cache: Path, **training: Any) -> PairsTask:
    chosen = experiment(**training)
    return PairsTask(chosen, open_data(chosen, None, cache, lambda *_: None), CPU, 1)


def taught(cache: Path, teacher: Teacher, **training: Any) -> PairsTask:
    task = task_of(cache, teacher="x", **training)
    task.learn_from(teacher, None, cache, lambda *_: None)  # type: ignore[arg-type]
    return task


def teacher(load: Any) -> Teacher:
    return Teacher(name="x", key="k", load=load)


def test_a_teacher_that_is_the_truth_gives_the_loss_of_the_labels(tmp_path: Path) -> None:
    task = taught(tmp_path, teacher(Knows), teacher_share=1.0, teacher_temperature=1.0)
    assert task._taught is not None
    task._taught._positive = task._data.labels.astype(np.float32)
    plain = task_of(tmp_path)
    for ours, theirs in zip(task.train_batches(1), plain.train_batches(1), strict=True):
        assert ours.teacher is not None
        assert torch.equal(ours.teacher, theirs.targets), "those exchanged are turned, too"
        logits = torch.randn(len(ours.targets))
        soft, hard = task.loss(logits, ours), plain.loss(logits, theirs)
        torch.testing.assert_close((soft.total, soft.weight), (hard.total, hard.weight))
    assert all(batch.teacher is None for batch in task.validation_batches())


def test_the_teacher_sees_the_pairs_as_they_are_once(tmp_path: Path) -> None:
    task = taught(tmp_path, teacher(Knows))
    rows = task._split.train
    images = tuple(torch.from_numpy(each)[:, None] for each in task._data.images(rows))
    assert task._taught is not None
    expected = Knows().probabilities((images[0], images[1]))[:, 1].numpy()
    np.testing.assert_array_equal(task._taught.of(rows), expected)

    def gone() -> Predictor:
        raise AssertionError("asked again")

    again = taught(tmp_path, teacher(gone))
    assert again._taught is not None
    np.testing.assert_array_equal(again._taught.of(rows), expected)
    batch = next(iter(again.train_batches(1)))
    assert batch.teacher is not None
    part = batch.take(to_device(np.array([3, 0]), CPU))
    assert part.teacher is not None
    assert torch.equal(part.teacher, batch.teacher[[3, 0]])
