"""Techniques of training that the behaviour task brings: which windows are drawn, and their loss."""

from typing import Any

import msgspec
import numpy as np
import torch

from core.experiment import Experiment
from core.tasks.behaviour import BehaviourTask
from tests.core.tasks.prepared_data import prepared

LONG = [("sniff", 5, 40), ("mount", 50, 70), ("attack", 80, 95)]


def task_of(**training: Any) -> BehaviourTask:
    """Two long training videos in which nothing happens but one short attack."""
    table = {
        "name": "small",
        "actions": {"sniff": "social", "mount": "mating", "attack": "aggressive"},
        "data": {"window": 20, "stride": 5, "validation_videos": ["v1"]},
        "model": {"name": "mlp"},
        "training": {"batch_size": 16, "class_weights": [1, 5, 8, 8], **training},
    }
    data = prepared([900, 97, 900], {0: [("attack", 100, 140)], 1: LONG})
    return BehaviourTask(msgspec.convert(table, Experiment), data, torch.device("cpu"), seed=1)


def rare_share(task: BehaviourTask) -> float:
    """Share of the windows of an epoch in which something happens."""
    batches = [batch.targets.clone() for batch in task.train_batches(2)]
    return float(np.mean([bool((row > 0).any()) for targets in batches for row in targets]))


def test_balanced_sampling_evens_out_the_classes() -> None:
    assert rare_share(task_of()) < 0.05
    assert 0.45 < rare_share(task_of(balanced_sampling=1.0)) < 0.6
    assert 0.1 < rare_share(task_of(balanced_sampling=0.5)) < 0.3


def test_balanced_batches_depend_on_seed_epoch_and_number_alone() -> None:
    whole = [b.inputs.clone() for b in task_of(balanced_sampling=1.0).train_batches(2)]
    rest = [b.inputs.clone() for b in task_of(balanced_sampling=1.0).train_batches(2, skip=3)]

    assert len(whole) == task_of().steps_per_epoch()
    assert all(torch.equal(one, other) for one, other in zip(whole[3:], rest, strict=True))


def test_every_technique_of_the_loss_reaches_it() -> None:
    batch = next(task_of(balanced_sampling=1.0).train_batches(0))
    logits = torch.randn(16, 20, 4, generator=torch.Generator().manual_seed(1))

    def mean(**training: Any) -> float:
        loss = task_of(**training).loss(logits, batch)
        return float(loss.total / loss.weight)

    plain = mean()
    assert mean(focal_gamma=2.0) < plain
    assert mean(label_smoothing=0.1) != plain
    assert mean(class_weights=None) != plain
