"""Folding BatchNorm makes a model cheaper without changing its output."""

import pytest
import torch
from torch import nn

from core.models.build import build_model
from core.models.folding import folded
from core.models.input_spec import InputSpec
from core.models.settings import ModelConfig

SPEC = InputSpec(features=12, outputs=4, mice=2, keypoints=3, blocks={"coordinates": slice(0, 12)})


@pytest.mark.parametrize("name", ["conv_bilstm", "tcn", "unet1d", "mlp"])
def test_a_folded_model_says_the_same(name: str) -> None:
    torch.manual_seed(0)
    model = build_model(ModelConfig(name=name, channels=(8, 16)), SPEC)
    with torch.no_grad():
        for part in model.modules():
            if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):  # a norm that does something
                part.weight.uniform_(0.5, 2)
                part.bias.normal_()
                part.running_mean.normal_()
                part.running_var.uniform_(0.5, 2)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    inputs = torch.randn(2, 50, 12)
    copy = folded(model)
    assert model.training
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    with torch.inference_mode():
        torch.testing.assert_close(copy(inputs), model.eval()(inputs), rtol=1e-4, atol=1e-5)
    norms = [part for part in copy.modules() if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert not norms
