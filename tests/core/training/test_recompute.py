"""Activations that are computed again leave everything else as it is."""

import copy

import pytest
import torch
from torch import nn

from core.models.build import build_model
from core.models.input_spec import InputSpec
from core.models.settings import ModelConfig
from core.tasks.behaviour.settings import BehaviourTrainingConfig
from core.training.identity import weights_hash
from core.training.recompute import blocks_of, recompute_blocks
from core.training.state import TrainingState

SPEC = InputSpec(features=14, outputs=4, mice=1, keypoints=7, blocks={"coords": slice(0, 14)})
SMALL = {"hidden_size": 16, "channels": (8, 16), "layers": 2}


def built(name: str) -> nn.Module:
    torch.manual_seed(0)
    heads = {"heads": 2} if name == "transformer" else {}
    return build_model(ModelConfig(name=name, **SMALL, **heads), SPEC)  # type: ignore[arg-type]


def trained(model: nn.Module) -> tuple[int, str, float]:
    """Return the bytes kept for the backward pass, the weights, and the next random number."""
    torch.manual_seed(1)
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    optimiser = torch.optim.SGD(model.train().parameters(), 0.1)
    for _ in range(2):
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            output = model(torch.randn(4, 64, 14))
        output.square().mean().backward()
        optimiser.step()
        optimiser.zero_grad()
    return sum(kept.values()), weights_hash(model.state_dict()), torch.rand(1).item()


@pytest.mark.parametrize("name", ["mlp", "conv_bilstm", "transformer", "tcn", "unet1d"])
def test_weights_are_the_same_to_the_last_bit_and_less_is_kept(name: str) -> None:
    plain, saving = built(name), built(name)
    assert recompute_blocks(saving) > 0
    (much, *ours), (less, *theirs) = trained(plain), trained(saving)
    assert ours == theirs, "also running statistics, and dropout by the same random numbers"
    assert less < much


def test_blocks_are_the_outermost_that_have_parts() -> None:
    inner = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    model = nn.ModuleDict({"a": nn.ModuleList([inner, nn.Linear(2, 2)]), "b": copy.deepcopy(inner)})
    assert [*blocks_of(model)] == [inner, model["b"]]


def test_the_average_and_the_checkpoint_know_nothing_of_it() -> None:
    config = BehaviourTrainingConfig(checkpoint_activations=True, ema_decay=0.9)
    state = TrainingState(config, built("tcn"), torch.device("cpu"))
    assert state.state_dict()["model"].keys() == built("tcn").state_dict().keys()
    frames = torch.randn(2, 32, 14)
    state.model.eval()
    assert torch.equal(state.model(frames), state.predictor.eval()(frames))
