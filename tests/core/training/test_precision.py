import math

import torch

from core.tasks.behaviour.settings import BehaviourTrainingConfig
from core.training.precision import Precision
from core.training.state import TrainingState
from core.training.step import optimise

CPU = torch.device("cpu")


def scaling_state(fake, scale):
    """A state whose scaler works, which on the CPU only a test wants."""
    state = TrainingState(
        BehaviourTrainingConfig(mixed_precision="fp16"), fake.FakeModel(plain=True), CPU
    )
    state.precision.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    return state


def test_the_scaler_is_off_on_the_cpu_and_its_state_is_empty(fake):
    state = TrainingState(BehaviourTrainingConfig(mixed_precision="fp16"), fake.FakeModel(), CPU)
    assert state.precision.refused
    assert state.state_dict()["scaler"] == {}
    assert state.load_state_dict(state.state_dict() | {"rng": []}) is state


def test_the_scaler_goes_through_a_checkpoint(fake, one_thread):
    """An overflow halves the scale and skips the step; a resume continues with that scale."""
    state = scaling_state(fake, scale=2.0**100)
    task = fake.FakeTask(plain=True)
    with torch.no_grad():
        state.model.last.weight.fill_(1e15)
    before = {name: tensor.clone() for name, tensor in state.model.state_dict().items()}
    result = optimise(state, task, [next(task.train_batches(1))], clip=1.0)
    assert math.isfinite(result.loss)
    assert not math.isfinite(result.gradient_norm)
    assert not result.broken
    assert all(torch.equal(before[name], t) for name, t in state.model.state_dict().items())
    resumed = scaling_state(fake, scale=2.0**16)
    resumed.load_state_dict(state.state_dict() | {"rng": []})
    assert resumed.precision.scaler.get_scale() == 2.0**99


def test_a_scaled_step_is_the_plain_one(fake, one_thread):
    """Also over several micro-batches, whose gradients are put right before they are unscaled."""
    task, results = fake.FakeTask(plain=True), []
    for scaled in (False, True):
        torch.manual_seed(1)
        state = scaling_state(fake, scale=2.0**10)
        if not scaled:
            state.precision = Precision(None, CPU)
        batches = task.train_batches(1)
        results.append((optimise(state, task, batches, clip=0.1), state.model.state_dict()))
    (plain, plain_weights), (scaled, scaled_weights) = results
    assert math.isclose(plain.gradient_norm, scaled.gradient_norm, rel_tol=1e-5)
    for name, tensor in plain_weights.items():
        torch.testing.assert_close(scaled_weights[name], tensor)
