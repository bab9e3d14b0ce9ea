"""Predicting whole videos in chunks covers every frame once and agrees with a single pass."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from core.models.build import build_model
from core.models.chunking import Chunking, plan
from core.models.chunks import predict_frames, predict_video, suited_to
from core.models.input_spec import InputSpec
from core.models.settings import ModelConfig
from core.tasks.behaviour.probabilities import class_probabilities

SPEC = InputSpec(features=12, outputs=4, mice=2, keypoints=3, blocks={"coordinates": slice(0, 12)})


def model_of(name: str) -> nn.Module:
    torch.manual_seed(3)
    config = ModelConfig(name=name, channels=(8, 12, 16), hidden_size=16)
    if name == "transformer":
        config = ModelConfig(name="transformer", hidden_size=16, heads=2, feed_forward=32)
    return build_model(config, SPEC).eval()


def video(frames: int) -> Tensor:
    return torch.randn(frames, SPEC.features, generator=torch.Generator().manual_seed(5))


def one_pass(model: nn.Module, inputs: Tensor) -> np.ndarray:
    with torch.inference_mode():
        return class_probabilities(model(inputs[None]))[0].numpy()


@given(
    frames=st.integers(1, 3000),
    chunk=st.integers(1, 700),
    context=st.integers(0, 100),
    step=st.integers(1, 8),
    moved=st.sampled_from([0, 0.3, 0.5, 0.9]),
)
def test_every_frame_is_answered_once_with_its_context(
    frames: int, chunk: int, context: int, step: int, moved: float
) -> None:
    chunking = Chunking(chunk * step, context * step, step=step).shifted(moved)
    context *= step
    chunks = list(plan(frames, chunking))
    answered = [frame for part in chunks for frame in range(part.first, part.stop)]
    assert answered == list(range(frames))
    for part in chunks:
        assert 0 <= part.start <= max(0, part.first - context)
        assert part.start % step == 0
        assert min(frames, part.stop + context) <= part.end <= frames
        assert min(frames, chunking.length) - step < part.length <= chunking.length


class Counting(nn.Module):
    """Says the number of the frame it is given, and remembers the batches."""

    def __init__(self) -> None:
        super().__init__()
        self.device_of = nn.Parameter(torch.zeros(1))
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, inputs: Tensor) -> Tensor:
        self.shapes.append(tuple(inputs.shape))
        return inputs


@pytest.mark.parametrize("frames", [1, 39, 60, 61, 99, 1000, 1001])
def test_frames_stay_in_their_order(frames: int) -> None:
    numbers = torch.arange(frames, dtype=torch.float32)[:, None]
    model = Counting()
    answer = predict_video(model, numbers, lambda x: x, Chunking(40, 10, batch=3))
    assert answer.dtype == np.float32
    np.testing.assert_array_equal(answer[:, 0], np.arange(frames))
    assert max(shape[0] for shape in model.shapes) <= 3
    assert {shape[1] for shape in model.shapes} == {min(frames, 60)}


@pytest.mark.parametrize("name", ["mlp", "conv_bilstm", "tcn", "unet1d", "hybrid", "transformer"])
def test_batching_of_chunks_changes_nothing_but_rounding(name: str) -> None:
    model, inputs = model_of(name), video(333)
    alone = predict_video(model, inputs, class_probabilities, Chunking(40, 10, batch=1))
    together = predict_video(model, inputs, class_probabilities, Chunking(40, 10, batch=64))
    np.testing.assert_allclose(alone, together, atol=1e-5)
    np.testing.assert_array_equal(alone.argmax(1), together.argmax(1))
    np.testing.assert_allclose(alone.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("frames", [2500, 2501, 2502, 2503])
@pytest.mark.parametrize("name", ["mlp", "tcn", "unet1d"])
def test_with_its_reach_as_context_a_model_says_what_one_pass_says(name: str, frames: int) -> None:
    model, inputs = model_of(name), video(frames)
    np.testing.assert_allclose(
        predict_video(model, inputs, class_probabilities, suited_to(model, window=100)),
        one_pass(model, inputs),
        atol=1e-5,
    )


def test_too_little_context_shows() -> None:
    model, inputs = model_of("tcn"), video(500)
    near = predict_video(model, inputs, class_probabilities, Chunking(50, 0))
    assert np.abs(near - one_pass(model, inputs)).max() > 1e-3


def test_a_transformer_is_never_given_positions_it_was_not_trained_on() -> None:
    for window in (2, 3, 64, 100, 101):
        chunking = suited_to(model_of("transformer"), window)
        assert chunking.length == window


def test_a_model_in_training_is_evaluated_and_left_in_training() -> None:
    model, inputs = model_of("conv_bilstm"), video(120)
    expected = predict_video(model, inputs, class_probabilities)
    model.train()
    np.testing.assert_array_equal(predict_video(model, inputs, class_probabilities), expected)
    assert model.training


def test_inputs_are_asked_for_in_spans_of_one_batch() -> None:
    model, inputs = model_of("conv_bilstm"), video(1000)
    asked: list[int] = []

    def read(start: int, stop: int) -> Tensor:
        asked.append(stop - start)
        return inputs[start:stop]

    chunking = Chunking(40, 10, batch=3)
    answer = predict_frames(model, read, 1000, class_probabilities, chunking)
    np.testing.assert_array_equal(
        answer, predict_video(model, inputs, class_probabilities, chunking)
    )
    assert max(asked) <= 3 * 40 + 2 * 10


def test_a_video_without_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="without frames"):
        predict_video(model_of("mlp"), video(0), class_probabilities)


@pytest.mark.parametrize("wrong", [(0, 5, 1), (5, -1, 1), (5, 5, 0), (6, 5, 1, 3), (5, 6, 1, 3)])
def test_impossible_chunks_are_refused(wrong: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"at least|multiples"):
        Chunking(*wrong)
