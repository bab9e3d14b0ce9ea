"""Properties common to all architectures, and those specific to one."""

import pytest
import torch
from torch import Tensor, nn

from core.errors import ConfigError
from core.models.build import ARCHITECTURES, build_model
from core.models.input_spec import InputSpec
from core.models.settings import MODELS, ModelConfig

V6 = InputSpec(
    features=288,
    outputs=4,
    mice=4,
    keypoints=18,
    blocks={
        "coordinates": slice(0, 144),
        "speed": slice(144, 216),
        "acceleration": slice(216, 288),
    },
)
SMALL = InputSpec(
    features=2 * 3 * 2 + 6 + 5,
    outputs=4,
    mice=2,
    keypoints=3,
    blocks={"coordinates": slice(0, 12), "speed": slice(12, 18), "engineered": slice(18, 23)},
)


def small_model(name: str) -> nn.Module:
    torch.manual_seed(0)
    return build_model(ModelConfig(name=name), SMALL)


def parameter_count(config: ModelConfig, spec: InputSpec) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build_model(config, spec).parameters())


def small_inputs(batch: int, time: int) -> Tensor:
    return torch.randn(batch, time, SMALL.features, generator=torch.Generator().manual_seed(1))


def test_every_registered_name_can_be_built() -> None:
    assert set(ARCHITECTURES) == set(MODELS)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("mlp", 107_396),  # 289·256 + 257·128 + 129·4
        ("conv_bilstm", 2_811_204),
        ("tcn", 589_316),
        ("unet1d", 684_804),
        ("hybrid", 2_765_284),
        ("transformer", 3_234_052),
    ],
)
def test_parameter_counts_at_the_inputs_of_v6(name: str, parameters: int) -> None:
    assert parameter_count(ModelConfig(name=name), V6) == parameters


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("time", [1, 2, 3, 7, 100, 501])
def test_any_length_gives_one_output_a_frame(name: str, time: int) -> None:
    model = small_model(name).eval()
    with torch.inference_mode():
        output = model(small_inputs(2, time))
    assert output.shape == (2, time, SMALL.outputs)
    assert output.isfinite().all()


@pytest.mark.parametrize("name", MODELS)
def test_gradients_reach_every_parameter(name: str) -> None:
    model = small_model(name)
    (model(small_inputs(3, 20)) ** 2).sum().backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.abs().max() > 0, key


@pytest.mark.parametrize("name", MODELS)
def test_evaluation_is_deterministic_and_training_drops_out(name: str) -> None:
    model, inputs = small_model(name), small_inputs(2, 20)
    assert not torch.equal(model(inputs), model(inputs))
    model.eval()
    assert torch.equal(model(inputs), model(inputs))


@pytest.mark.parametrize("name", MODELS)
def test_every_feature_is_read(name: str) -> None:
    model = small_model(name).eval()
    inputs = small_inputs(4, 20).requires_grad_()
    model(inputs).square().sum().backward()
    assert inputs.grad is not None
    assert (inputs.grad.abs().amax(dim=(0, 1)) > 0).all()


@pytest.mark.parametrize("name", MODELS)
def test_the_same_seed_gives_the_same_weights(name: str) -> None:
    first, second = small_model(name).state_dict(), small_model(name).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("name", ["mlp", "tcn", "unet1d"])
def test_reach_is_as_far_as_an_output_sees(name: str) -> None:
    model = small_model(name).eval()
    reach = model.reach
    assert isinstance(reach, int)
    for middle in range(100, 104):  # a U-Net sees differently from each phase of its coarsest step
        inputs = small_inputs(1, 201).requires_grad_()
        (gradient,) = torch.autograd.grad(model(inputs)[0, middle].sum(), inputs)
        seen = gradient[0].abs().amax(dim=-1).nonzero().squeeze(1)
        assert seen.min() >= middle - reach
        assert seen.max() <= middle + reach
        if name == "tcn":
            assert (int(seen.min()), int(seen.max())) == (middle - reach, middle + reach)


def test_a_tcn_is_the_same_at_every_frame() -> None:
    model, inputs = small_model("tcn").eval(), small_inputs(1, 160)
    reach = model.reach
    assert isinstance(reach, int)
    with torch.inference_mode():
        whole, shifted = model(inputs), model(inputs[:, 7:])
    torch.testing.assert_close(whole[:, 7 + reach :], shifted[:, reach:], rtol=1e-4, atol=1e-5)


def test_hybrid_does_not_depend_on_the_order_of_keypoints() -> None:
    model, inputs = small_model("hybrid").eval(), small_inputs(2, 9)
    order = torch.tensor([2, 0, 1])
    permuted = inputs.clone()
    permuted[..., :12] = inputs[..., :12].reshape(2, 9, 2, 3, 2)[..., order, :].flatten(2)
    permuted[..., 12:18] = inputs[..., 12:18].reshape(2, 9, 2, 3)[..., order].flatten(2)
    torch.testing.assert_close(model(permuted), model(inputs))
    # positions without their speeds are other points
    permuted[..., 12:18] = inputs[..., 12:18]
    assert not torch.allclose(model(permuted), model(inputs))


def test_hybrid_tells_the_mice_apart() -> None:
    model, inputs = small_model("hybrid").eval(), small_inputs(2, 9)
    swapped = inputs.clone()
    swapped[..., :12] = inputs[..., :12].reshape(2, 9, 2, 6).flip(2).flatten(2)
    assert not torch.allclose(model(swapped), model(inputs))


def test_points_that_do_not_share_their_values_are_refused() -> None:
    spec = InputSpec(27, 4, 2, 7, {"coordinates": slice(0, 27)})
    with pytest.raises(ConfigError, match=r"^features.inputs: a block of 27 values"):
        build_model(ModelConfig(name="hybrid"), spec)


def test_widths_and_layers_are_configurable() -> None:
    config = ModelConfig(name="conv_bilstm", channels=(8,), hidden_size=16, layers=1)
    assert build_model(config, SMALL)(small_inputs(2, 5)).shape == (2, 5, 4)
    assert parameter_count(config, SMALL) < parameter_count(ModelConfig(), SMALL) / 100
