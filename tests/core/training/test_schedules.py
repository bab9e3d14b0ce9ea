import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import CheckpointError
from core.tasks.behaviour.settings import BehaviourTrainingConfig
from core.training.schedules import Schedule


def test_warm_up_is_the_documented_curve_of_v6():
    schedule = Schedule(
        BehaviourTrainingConfig(learning_rate=4e-4, warmup_epochs=3, scheduler="plateau")
    )
    rates = [schedule.rate(epoch) for epoch in (1, 2, 3, 4)]
    assert [f"{rate:.6f}" for rate in rates] == ["0.000133", "0.000267", "0.000400", "0.000400"]


@settings(deadline=None)
@given(
    metrics=st.lists(st.floats(0, 1), min_size=1, max_size=40),
    patience=st.integers(0, 3),
    rises=st.booleans(),
)
def test_plateau_is_torchs_own(metrics, patience, rises):
    config = BehaviourTrainingConfig(
        learning_rate=1e-3, scheduler="plateau", plateau_patience=patience, min_learning_rate=1e-5
    )
    schedule = Schedule(config, rises=rises)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    reference = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="max" if rises else "min", patience=patience, factor=0.5, min_lr=1e-5, eps=0
    )
    for epoch, metric in enumerate(metrics, start=1):
        assert schedule.rate(epoch) == pytest.approx(optimizer.param_groups[0]["lr"])
        schedule.epoch_done(epoch, metric)
        reference.step(metric)
    assert schedule.rate(len(metrics) + 1) == pytest.approx(optimizer.param_groups[0]["lr"])


def test_cosine_is_torchs_own_after_the_warm_up():
    config = BehaviourTrainingConfig(
        epochs=12, learning_rate=1e-3, min_learning_rate=1e-5, scheduler="cosine", warmup_epochs=2
    )
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10, eta_min=1e-5)
    for epoch in range(3, 13):
        assert Schedule(config).rate(epoch) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        reference.step()


def test_no_scheduler_leaves_the_rate_alone():
    schedule = Schedule(BehaviourTrainingConfig(learning_rate=1e-3))
    schedule.epoch_done(1, 0.0)
    assert {schedule.rate(epoch) for epoch in range(1, 50)} == {1e-3}


def test_nan_counts_as_no_gain_and_state_survives():
    config = BehaviourTrainingConfig(learning_rate=1e-3, scheduler="plateau", plateau_patience=1)
    schedule = Schedule(config)
    for epoch, metric in enumerate([0.5, math.nan], start=1):
        schedule.epoch_done(epoch, metric)
    copy = Schedule(config)
    copy.load_state_dict(schedule.state_dict())
    copy.epoch_done(3, math.nan)
    assert copy.rate(4) == pytest.approx(5e-4)


def test_foreign_state_is_refused_in_words():
    with pytest.raises(CheckpointError, match="schedule"):
        Schedule(BehaviourTrainingConfig()).load_state_dict({"last_epoch": 3})
