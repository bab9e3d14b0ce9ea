import math

import pytest
import torch
from torch.nn import functional

from core.frames.batch import FrameBatch
from core.losses.frames import FrameLoss

LOGITS = torch.randn(3, 7, 4, generator=torch.Generator().manual_seed(1))
TARGETS = torch.randint(0, 4, (3, 7), generator=torch.Generator().manual_seed(2))
CLASS_WEIGHTS = torch.tensor([0.5, 10.0, 15.0, 15.0])


@pytest.mark.parametrize("class_weights", [None, CLASS_WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_mean_is_torchs_own_over_the_frames_that_count(class_weights, smoothing):
    weights = torch.ones(3, 7)
    weights[1, 4:] = 0
    counted = weights.bool()
    loss = FrameLoss(class_weights, smoothing)(LOGITS, TARGETS, weights)
    expected = functional.cross_entropy(
        LOGITS[counted], TARGETS[counted], weight=class_weights, label_smoothing=smoothing
    )
    torch.testing.assert_close(loss.total / loss.weight, expected)


@pytest.mark.parametrize("share", [torch.tensor(0.3), torch.tensor([0.3, 0.3, 0.3])])
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_mixed_targets_are_a_weighted_sum(share, gamma):
    second = (TARGETS + 1) % 4
    weights = torch.ones(3, 7)
    loss = FrameLoss(focal_gamma=gamma)
    mixed = loss.of_batch(
        LOGITS, FrameBatch(LOGITS, TARGETS, weights, examples=21, mixed=(second, share))
    )
    first_part, second_part = (loss(LOGITS, targets, weights) for targets in (TARGETS, second))
    expected = 0.3 * first_part.total / 21 + 0.7 * second_part.total / 21
    torch.testing.assert_close(mixed.total / mixed.weight, expected)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_certain_soft_targets_are_labels_and_others_a_weighted_sum(gamma):
    torch.manual_seed(0)
    loss = FrameLoss(torch.tensor([0.5, 1.0, 2.0]), label_smoothing=0.1, focal_gamma=gamma)
    logits, weights = torch.randn(2, 5, 3), torch.rand(2, 5)
    one, other = torch.randint(0, 3, (2, 2, 5))

    def of(soft):
        return loss.of_batch(logits, FrameBatch(logits, one, weights, examples=10, soft=soft))

    hard = [functional.one_hot(each, 3).float() for each in (one, other)]
    for targets, soft in zip((one, other), hard, strict=True):
        expected = loss(logits, targets, weights)
        torch.testing.assert_close(of(soft).total, expected.total)
        torch.testing.assert_close(of(soft).weight, expected.weight)
    mixed = of(0.3 * hard[0] + 0.7 * hard[1])
    torch.testing.assert_close(mixed.total, 0.3 * of(hard[0]).total + 0.7 * of(hard[1]).total)
    batch = FrameBatch(logits, one, weights, examples=10, soft=hard[0])
    assert torch.equal(batch.take(slice(1, 2)).soft, hard[0][1:])


def test_a_batch_without_frames_weighs_nothing():
    loss = FrameLoss(CLASS_WEIGHTS, focal_gamma=2.0)(LOGITS, TARGETS, torch.zeros(3, 7))
    assert (float(loss.total), float(loss.weight)) == (0.0, 0.0)


def test_focal_loss_by_hand():
    """(1 - p)^2 × (-w (1 - ε) ln p_y - ε/2 Σ w ln p), over the class's weight: p = 0.8 and 0.2."""
    logits = torch.tensor([[[math.log(0.8), math.log(0.2)], [math.log(0.8), math.log(0.2)]]])
    class_weights = torch.tensor([1.0, 3.0])
    loss = FrameLoss(class_weights, label_smoothing=0.1, focal_gamma=2.0)
    result = loss(logits, torch.tensor([[0, 1]]), torch.ones(1, 2))
    spread = -0.05 * (math.log(0.8) + 3 * math.log(0.2))
    sure = 0.2**2 * (-0.9 * math.log(0.8) + spread)
    wrong = 0.8**2 * (-0.9 * 3 * math.log(0.2) + spread)
    assert float(result.total) == pytest.approx(sure + wrong, rel=1e-5)
    assert float(result.weight) == 4.0


@pytest.mark.parametrize("gamma", [0.5, 1.0, 5.0])
def test_focal_loss_has_a_gradient_where_the_model_is_sure(gamma):
    logits = torch.tensor([[[90.0, -90.0], [-90.0, 90.0], [0.0, 0.0]]], requires_grad=True)
    loss = FrameLoss(focal_gamma=gamma)(logits, torch.tensor([[0, 0, 0]]), torch.ones(1, 3))
    loss.total.backward()
    assert logits.grad.isfinite().all()
    assert logits.grad[0, 1, 0] < -0.9
    assert logits.grad[0, 0].abs().max() < 1e-6
