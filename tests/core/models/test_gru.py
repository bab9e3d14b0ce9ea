"""The GRU of the two-trunk network is torch's own, only faster in training."""

import pytest
import torch
from torch import Tensor, nn

from core.models.gru import FastGRU


def both(layers: int = 2) -> tuple[FastGRU, nn.GRU]:
    torch.manual_seed(0)
    fast = FastGRU(5, 7, layers, 0.0)
    plain = nn.GRU(5, 7, layers, batch_first=True, bidirectional=True)
    plain.load_state_dict(fast.state_dict())
    return fast, plain


def results(model: nn.GRU, frames: Tensor) -> dict[str, Tensor]:
    """Return answers, and the gradients of a sum in which each has a weight of its own."""
    frames = frames.clone().requires_grad_()
    answers, last = model(frames)
    weights = torch.randn(answers.shape, generator=torch.Generator().manual_seed(2))
    ((answers * weights).sum() + (last**2).sum()).backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    return {"answers": answers, "last": last, "inputs": frames.grad, **gradients}


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize(("rows", "time"), [(1, 1), (3, 40)])
def test_answers_and_gradients_are_those_of_torch(layers: int, rows: int, time: int) -> None:
    fast, plain = both(layers)
    frames = torch.randn(rows, time, 5, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(results(fast, frames), results(plain, frames))


def test_training_takes_the_fast_way_and_prediction_the_way_of_torch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []
    plain = nn.GRU.forward
    monkeypatch.setattr(nn.GRU, "forward", lambda *given: calls.append(1) or plain(*given))
    fast, frames = both()[0], torch.randn(2, 6, 5)
    trained, _ = fast(frames)
    assert calls == []
    with torch.no_grad():
        torch.testing.assert_close(fast(frames)[0], trained)
    with torch.autocast("cpu", torch.bfloat16):
        fast(frames)
    fast(frames[:0])
    assert len(calls) == 3


def test_dropout_between_layers_is_drawn_anew_and_only_in_training() -> None:
    torch.manual_seed(0)
    model, frames = FastGRU(5, 7, 2, 0.5), torch.randn(2, 6, 5)
    assert not torch.equal(model(frames)[0], model(frames)[0])
    assert torch.equal(model.eval()(frames)[0], model(frames)[0])
