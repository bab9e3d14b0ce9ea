"""The loss against a teacher, at its limits and against the formulas written out."""

import pytest
import torch
from torch.nn import functional

from core.losses.distillation import class_divergence, label_divergence, shared
from core.losses.frames import FrameLoss
from core.losses.loss import Loss
from core.losses.multilabel import MultilabelLoss

MADE = torch.Generator().manual_seed(2)
LOGITS = 3 * torch.randn(4, 6, 5, generator=MADE, dtype=torch.float64)
TEACHER = 2 * torch.randn(4, 6, 5, generator=MADE, dtype=torch.float64)
TARGETS = torch.randint(0, 5, (4, 6), generator=MADE)
HELD = torch.randint(0, 2, (4, 6, 5), generator=MADE, dtype=torch.uint8)
MASK = torch.rand(4, 5, generator=MADE) < 0.6
WEIGHTS = (torch.rand(4, 6, generator=MADE) < 0.7).double()


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_divergence_is_that_of_the_softened_logits(temperature: float) -> None:
    expected = temperature**2 * functional.kl_div(
        functional.log_softmax(LOGITS / temperature, -1),
        functional.softmax(TEACHER / temperature, -1),
        reduction="none",
    ).sum(-1)
    found = class_divergence(LOGITS, TEACHER.softmax(-1), temperature)
    torch.testing.assert_close(found, expected)
    two = torch.stack((TEACHER, torch.zeros_like(TEACHER)), -1)
    mine = torch.stack((LOGITS, torch.zeros_like(LOGITS)), -1)
    torch.testing.assert_close(
        label_divergence(LOGITS, TEACHER.sigmoid(), temperature),
        class_divergence(mine, two.softmax(-1), temperature),
    )


def test_a_teacher_of_the_same_opinion_teaches_nothing() -> None:
    logits = LOGITS.clone().requires_grad_()
    for loss in (
        class_divergence(logits, LOGITS.softmax(-1), 3.0).sum(),
        label_divergence(logits, LOGITS.sigmoid(), 3.0).sum(),
    ):
        (gradient,) = torch.autograd.grad(loss, logits)
        assert abs(loss.item()) < 1e-9
        assert gradient.abs().max() < 1e-9


@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])])
def test_a_teacher_that_is_the_truth_gives_the_loss_of_the_labels(weights) -> None:
    loss = FrameLoss(class_weights=weights)
    truth = functional.one_hot(TARGETS, 5).float()
    soft = loss.of_teacher(LOGITS.float(), truth, WEIGHTS.float(), 1.0)
    hard = loss(LOGITS.float(), TARGETS, WEIGHTS.float())
    torch.testing.assert_close(soft.total, hard.total)
    torch.testing.assert_close(soft.weight, hard.weight)


@pytest.mark.parametrize("even", [False, True])
def test_so_does_one_of_labels_that_may_hold_at_once(even: bool) -> None:
    loss = MultilabelLoss(mean_of_labels=even)
    soft = loss.of_teacher(LOGITS, HELD.double(), MASK, WEIGHTS, 1.0)
    hard = loss(LOGITS, HELD, MASK, WEIGHTS)
    torch.testing.assert_close(soft.total, hard.total)
    torch.testing.assert_close(soft.weight, hard.weight)


def test_masked_labels_do_not_count_whatever_the_model_says() -> None:
    broken = LOGITS.masked_fill(~MASK[:, None], float("inf"))
    soft = MultilabelLoss().of_teacher(broken, HELD.double(), MASK, WEIGHTS, 3.0)
    assert torch.isfinite(soft.total)


def test_the_temperature_keeps_the_size_of_the_gradient() -> None:
    logits = (0.01 * LOGITS).requires_grad_()
    sizes = [
        torch.autograd.grad(class_divergence(logits, (0.01 * TEACHER).softmax(-1), t).sum(), logits)
        [0].norm().item()
        for t in (1.0, 10.0)
    ]  # fmt: skip
    assert sizes[0] == pytest.approx(sizes[1], rel=0.05)


def test_shares_add_up_and_the_ends_are_exact() -> None:
    hard, soft = (Loss(torch.tensor(v), torch.tensor(w)) for v, w in ((3.0, 2.0), (5.0, 4.0)))
    assert shared(hard, soft, 0) is hard
    assert shared(hard, soft, 1) is soft
    mixed = shared(hard, soft, 0.7)
    assert float(mixed.total) == pytest.approx(0.3 * 3 + 0.7 * 5)
    assert float(mixed.weight) == pytest.approx(0.3 * 2 + 0.7 * 4)
