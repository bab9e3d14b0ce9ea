import datetime as dt

import torch

from core.run.events import Epoch, Step
from core.run.history import fold
from core.training.identity import history_hash, projected_history, weights_hash

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def epoch(seq=1, loss=0.5, seconds=1.0):
    return Epoch(
        attempt="0001-aaaa",
        seq=seq,
        time=NOW,
        epoch=1,
        step=8,
        seconds=seconds,
        train_loss=loss,
        learning_rate=1e-3,
        gradient_norm=1.0,
        frames_per_second=100 / seconds,
        metrics={"f1_macro": float("nan")},
    )


def test_order_of_tensors_does_not_matter_but_all_else_does():
    tensors = {"a": torch.zeros(2, 3), "b": torch.tensor(True), "c": torch.ones(2).bfloat16()}
    same = dict(reversed(tensors.items()))
    assert weights_hash(tensors) == weights_hash(same)
    others = [
        tensors | {"a": torch.zeros(3, 2)},
        tensors | {"a": torch.full((2, 3), -0.0)},
        tensors | {"b": torch.tensor(1, dtype=torch.uint8)},
        {**{k: v for k, v in tensors.items() if k != "a"}, "z": tensors["a"]},
    ]
    assert len({weights_hash(tensors), *map(weights_hash, others)}) == 5


def test_time_is_left_out_of_the_projection_and_the_last_digit_is_not():
    step = Step(
        attempt="0001-aaaa",
        seq=2,
        time=NOW,
        epoch=1,
        step=1,
        epoch_step=1,
        epoch_steps=8,
        loss=1.0,
        learning_rate=1.0,
        gradient_norm=1.0,
        frames_per_second=1.0,
    )
    assert projected_history(fold([step])) == []
    reference = history_hash(fold([epoch()]))
    assert history_hash(fold([epoch(seconds=9.0), step])) == reference
    assert history_hash(fold([epoch(loss=0.5 + 1e-15)])) != reference
