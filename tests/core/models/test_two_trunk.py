"""What the two networks promise, for each kind of trunk."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from core.losses.multilabel import MultilabelLoss
from core.models.chunking import Chunked
from core.models.trunks import DEFAULT_LAYERS
from core.models.two_trunk import ABSENT_LOGIT, TwoTrunk
from core.system.tree import take

ROWS, TIME, FEATURES, SELF_FEATURES, OUTPUTS = 6, 24, 9, 5, 7
SELF_OUTPUTS = (1, 4, 5)
PAIR_OUTPUTS = (0, 2, 3, 6)
IS_PAIR = torch.tensor([True, False, False, True, True, False])

kinds = pytest.mark.parametrize("kind", DEFAULT_LAYERS)


def network(kind: str, layers: int = 2, dropout: float = 0.2) -> TwoTrunk:
    torch.manual_seed(0)
    return TwoTrunk(
        FEATURES,
        OUTPUTS,
        SELF_OUTPUTS,
        {"lab": 4, "sex": 3},
        SELF_FEATURES,
        trunk=kind,
        width=16,
        layers=layers,
        heads=2,
        dropout=dropout,
        embedding=3,
    )


def batch(rows: int = ROWS, time: int = TIME) -> dict[str, Tensor]:
    made = torch.Generator().manual_seed(1)
    return {
        "features": torch.randn(rows, time, FEATURES, generator=made),
        "is_pair": IS_PAIR[:rows],
        "lab": torch.randint(0, 4, (rows,), generator=made),
        "sex": torch.randint(0, 3, (rows,), generator=made),
        "fps": 10 + 90 * torch.rand(rows, generator=made),
    }


@torch.no_grad()
def answer(model: TwoTrunk, inputs: dict[str, Tensor]) -> Tensor:
    return model.eval()(inputs)


@kinds
@pytest.mark.parametrize("time", [1, 3, TIME])
def test_rows_answer_for_the_outputs_of_their_kind(kind: str, time: int) -> None:
    logits = answer(network(kind), batch(time=time))
    assert logits.shape == (ROWS, time, OUTPUTS)
    absent = torch.zeros(ROWS, OUTPUTS, dtype=torch.bool)
    absent[IS_PAIR.nonzero(), torch.tensor(SELF_OUTPUTS)] = True
    absent[(~IS_PAIR).nonzero(), torch.tensor(PAIR_OUTPUTS)] = True
    assert torch.equal((logits == ABSENT_LOGIT).all(dim=1), absent)
    assert ((logits == ABSENT_LOGIT).any(dim=1) == absent).all()


@kinds
def test_order_and_company_of_rows_do_not_matter(kind: str) -> None:
    model, inputs = network(kind), batch()
    whole = answer(model, inputs)
    order = torch.tensor([5, 3, 0, 1, 4, 2])
    torch.testing.assert_close(answer(model, take(inputs, order)), whole[order])
    for part in (slice(0, None, 2), IS_PAIR.nonzero()[:, 0], (~IS_PAIR).nonzero()[:, 0]):
        torch.testing.assert_close(answer(model, take(inputs, part)), whole[part])
    assert answer(model, take(inputs, slice(0, 0))).shape == (0, TIME, OUTPUTS)


@kinds
def test_rows_of_one_kind_know_nothing_of_the_other(kind: str) -> None:
    """Neither another row's values, nor a single subject's columns about a partner, reach an answer."""
    model, inputs = network(kind).train(), batch()
    features = inputs["features"].requires_grad_()
    model(inputs)[0][:, PAIR_OUTPUTS].sum().backward()
    assert features.grad is not None
    seen = features.grad.ne(0).any(dim=1)
    company = (
        IS_PAIR if kind == "tcn" else torch.arange(ROWS) == 0
    )  # a BatchNorm mixes a kind's rows
    assert torch.equal(seen.any(dim=1), company)
    assert not any(p.grad is not None and p.grad.any() for p in model.self_trunk.parameters())
    features.grad = None
    model(inputs)[1][:, SELF_OUTPUTS].sum().backward()
    assert features.grad[1, :, :SELF_FEATURES].any()
    assert not features.grad[:, :, SELF_FEATURES:].any()


@kinds
@pytest.mark.parametrize("known", ["lab", "sex", "fps"])
def test_what_is_known_of_a_row_changes_its_answer(kind: str, known: str) -> None:
    model, inputs = network(kind), batch()
    changed = inputs["fps"] + 5 if known == "fps" else (inputs[known] + 1) % 3
    other = {**inputs, known: changed}
    assert ((answer(model, inputs) - answer(model, other)).abs().amax(dim=(1, 2)) > 1e-5).all()


@kinds
def test_gradients_reach_every_parameter(kind: str) -> None:
    model = network(kind)
    (model(batch()) ** 2).sum().backward()
    assert [
        name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()
    ] == []


@pytest.mark.parametrize("kind", ["bigru", "attention"])
def test_processes_that_share_the_rows_find_the_same_gradient(kind: str) -> None:
    """A TCN's would differ as its BatchNorm sees fewer rows."""
    model, inputs = network(kind, dropout=0.0).train(), batch()
    targets = torch.zeros(ROWS, TIME, OUTPUTS)
    mask, weights = torch.ones(ROWS, OUTPUTS, dtype=torch.bool), torch.ones(ROWS, TIME)

    def gradient(*parts: slice) -> dict[str, Tensor]:
        model.zero_grad()
        for part in parts:
            logits = model(take(inputs, part))
            MultilabelLoss(1.0)(logits, targets[part], mask[part], weights[part]).total.backward()
        return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}

    whole = gradient(slice(None))
    of_two, of_four = (gradient(*(slice(n, None, size) for n in range(size))) for size in (2, 4))
    torch.testing.assert_close(of_two, whole)
    torch.testing.assert_close(of_four, whole)


@kinds
def test_the_random_state_gives_weights_and_dropout(kind: str) -> None:
    first, second = network(kind), network(kind)
    states = first.state_dict(), second.state_dict()
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])

    def step(model: TwoTrunk) -> Tensor:
        torch.manual_seed(5)
        return model.train()(batch())

    assert torch.equal(step(first), step(second))
    assert not torch.equal(step(first), first(batch()))


@kinds
def test_weights_come_back_from_a_file(kind: str, tmp_path) -> None:
    model, inputs = network(kind).train(), batch()
    model(inputs)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    again = TwoTrunk(
        FEATURES, OUTPUTS, SELF_OUTPUTS, {"sex": 3, "lab": 4}, SELF_FEATURES, kind, 16, 2, heads=2,
        embedding=3,
    )  # fmt: skip
    again.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(answer(again, inputs), answer(model, inputs))


@kinds
def test_bf16_agrees_roughly(kind: str) -> None:
    model, inputs = network(kind), batch()
    with torch.autocast("cpu", torch.bfloat16):
        rough = answer(model, inputs)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, answer(model, inputs), atol=0.1, rtol=0.1)


def test_outputs_of_a_tcn_reach_as_far_as_it_says() -> None:
    model, inputs = network("tcn", layers=2), batch(rows=1, time=41)
    reach = 1 + 3 + 4  # dilations of 1 and 3, and the widest convolution
    assert isinstance(model, Chunked)
    assert (model.pair_trunk.reach, model.chunking(512).context) == (reach, reach)
    features = inputs["features"].requires_grad_()
    model.eval()(inputs)[0, 20, PAIR_OUTPUTS].sum().backward()
    assert features.grad is not None
    frames = features.grad[0].ne(0).any(dim=-1).nonzero()[:, 0].tolist()
    assert (frames[0], frames[-1]) == (20 - reach, 20 + reach)


@pytest.mark.parametrize("kind", ["bigru", "attention"])
def test_windows_of_other_trunks_drop_an_eighth_at_either_end(kind: str) -> None:
    chunking = network(kind).chunking(512)
    assert (chunking.length, chunking.context) == (512, 64)


@kinds
def test_compiling_takes_each_trunk_and_changes_nothing(kind: str) -> None:
    """Torch's tracer with kernels as they are: the real compiler takes a C++ compiler and minutes."""
    graphs = []

    def kernels_as_they_are(graph: torch.fx.GraphModule, inputs: object) -> Callable[..., Any]:
        graphs.append(sum(node.op.startswith("call") for node in graph.graph.nodes))
        return graph.forward

    model = network(kind, dropout=0.0).train()
    torch.compiler.reset()
    compiled = torch.compile(model, dynamic=False, backend=kernels_as_they_are)
    for rows in (slice(None), (~IS_PAIR).nonzero()[:, 0]):
        inputs = take(batch(), rows)
        torch.testing.assert_close(compiled(inputs), model(inputs))
    torch.compiler.reset()
    assert sum(size > 15 for size in graphs) == 2, "the second batch has as many single subjects"
