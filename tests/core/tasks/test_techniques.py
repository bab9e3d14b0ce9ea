"""Training techniques of the behaviour task: window sampling and losses."""

from typing import Any

import msgspec
import numpy as np
import torch

from core.tasks.behaviour.settings import BehaviourExperiment
from core.tasks.behaviour.task import BehaviourTask
from tests.core.tasks.prepared_data import prepared

LONG = [("sniff", 5, 40), ("mount", 50, 70), ("attack", 80, 95)]


def small(phase: str = "fixed", **training: Any) -> BehaviourExperiment:
    table = {
        "name": "small",
        "actions": {"sniff": "social", "mount": "mating", "attack": "aggressive"},
        "data": {"window": 20, "stride": 5, "phase": phase, "validation_videos": ["v1"]},
        "model": {"name": "mlp"},
        "training": {"batch_size": 16, "class_weights": [1, 5, 8, 8], **training},
    }
    return msgspec.convert(table, BehaviourExperiment)


def task_of(phase: str = "fixed", **training: Any) -> BehaviourTask:
    """Two long training videos in which nothing happens but one short attack."""
    data = prepared([900, 97, 900], {0: [("attack", 100, 140)], 1: LONG})
    return BehaviourTask(small(phase, **training), data, torch.device("cpu"), seed=1)


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


def test_balanced_sampling_follows_the_windows_to_their_phase() -> None:
    assert 0.45 < rare_share(task_of("random", balanced_sampling=1.0)) < 0.6


def test_windows_at_a_random_phase_are_new_every_epoch_and_as_many() -> None:
    task = task_of("random")
    epochs = [[b.inputs.clone() for b in task.train_batches(epoch)] for epoch in range(6)]
    cuts = [{row[0].numpy().tobytes() for inputs in epoch for row in inputs} for epoch in epochs]

    assert {len(epoch) for epoch in epochs} == {task.steps_per_epoch()}
    assert {sum(map(len, epoch)) for epoch in epochs} == {task.summary.train_samples} == {2 * 178}
    assert len(set.union(*cuts)) > 2.5 * len(cuts[0])


def test_batches_at_a_random_phase_depend_on_seed_epoch_and_number_alone() -> None:
    whole = [b.inputs.clone() for b in task_of("random").train_batches(2)]
    rest = [b.inputs.clone() for b in task_of("random").train_batches(2, skip=3)]

    assert all(torch.equal(one, other) for one, other in zip(whole[3:], rest, strict=True))


def test_windows_at_a_random_phase_lie_in_their_video_and_on_their_labels() -> None:
    """With the class written into the positions, every frame's input tells its target."""
    data = prepared([203, 97], {0: [("attack", 100, 140)], 1: LONG})
    data.positions[...] = 0
    data.positions[100:140] = 1
    task = BehaviourTask(small("random"), data, torch.device("cpu"), seed=1)

    for epoch in range(3):
        for batch in task.train_batches(epoch):
            assert (batch.weights == 1).all()
            assert torch.equal(batch.inputs[..., 0] > 0, batch.targets == 3)


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
