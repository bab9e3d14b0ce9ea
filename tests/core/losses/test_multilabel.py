import pytest
import torch
from sklearn.metrics import log_loss
from torch.nn import functional

from core.losses.multilabel import MultilabelLoss

ROWS, TIME, LABELS = 4, 6, 5
MADE = torch.Generator().manual_seed(1)
LOGITS = 3 * torch.randn(ROWS, TIME, LABELS, generator=MADE)
TARGETS = torch.randint(0, 2, (ROWS, TIME, LABELS), generator=MADE, dtype=torch.uint8)
MASK = torch.rand(ROWS, LABELS, generator=MADE) < 0.6
WEIGHTS = (torch.rand(ROWS, TIME, generator=MADE) < 0.7).float()
COUNTED = (MASK[:, None] & (WEIGHTS[..., None] > 0)).expand_as(LOGITS)


def mean(loss: MultilabelLoss, *arguments: torch.Tensor) -> float:
    result = loss(*arguments)
    return float(result.total / result.weight)


def test_mean_is_that_of_torch_and_scikit_learn_over_the_elements_that_count() -> None:
    chosen, truth = LOGITS[COUNTED], TARGETS[COUNTED]
    ours = mean(MultilabelLoss(), LOGITS, TARGETS, MASK, WEIGHTS)
    theirs = functional.binary_cross_entropy_with_logits(chosen, truth.float())
    assert ours == pytest.approx(float(theirs), rel=1e-6)
    assert ours == pytest.approx(log_loss(truth, chosen.sigmoid().double()), rel=1e-5)
    assert float(MultilabelLoss()(LOGITS, TARGETS, MASK, WEIGHTS).weight) == COUNTED.sum()


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_focal_factor_is_that_of_the_paper(gamma: float) -> None:
    p = LOGITS.sigmoid().double()
    right = torch.where(TARGETS.bool(), p, 1 - p)[COUNTED]
    expected = (-((1 - right) ** gamma) * right.log()).mean()
    ours = mean(MultilabelLoss(focal_gamma=gamma), LOGITS, TARGETS, MASK, WEIGHTS)
    assert ours == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("loss", [MultilabelLoss(), MultilabelLoss(2.0, mean_of_labels=True)])
def test_what_is_masked_counts_for_nothing(loss: MultilabelLoss) -> None:
    """Not even an infinite logit does, nor does it reach the gradient."""
    logits = LOGITS.clone().requires_grad_()
    wild = torch.where(MASK[:, None], logits, torch.tensor(float("inf")))
    result = loss(wild, TARGETS, MASK, WEIGHTS)
    result.total.backward()
    plain = loss(LOGITS, TARGETS, MASK, WEIGHTS)
    torch.testing.assert_close((result.total, result.weight), (plain.total, plain.weight))
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert torch.equal(logits.grad != 0, COUNTED)


def test_a_batch_without_annotated_labels_weighs_nothing() -> None:
    for loss in (MultilabelLoss(), MultilabelLoss(2.0, mean_of_labels=True)):
        result = loss(LOGITS, TARGETS, torch.zeros_like(MASK), WEIGHTS)
        assert (float(result.total), float(result.weight)) == (0, 0)


def test_parts_of_a_batch_add_up_to_the_whole() -> None:
    loss = MultilabelLoss(1.0, mean_of_labels=True)
    whole = loss(LOGITS, TARGETS, MASK, WEIGHTS)
    parts = [
        loss(*(tensor[part] for tensor in (LOGITS, TARGETS, MASK, WEIGHTS)))
        for part in (slice(0, None, 2), slice(1, None, 2))
    ]
    torch.testing.assert_close(sum(part.total for part in parts), whole.total)
    torch.testing.assert_close(sum(part.weight for part in parts), whole.weight)


def test_rows_weigh_the_same_with_many_labels_or_with_one() -> None:
    mask = torch.zeros(2, LABELS, dtype=torch.bool)
    mask[0], mask[1, 2] = True, True
    ours = mean(
        MultilabelLoss(mean_of_labels=True), LOGITS[:2], TARGETS[:2], mask, torch.ones(2, TIME)
    )
    element = functional.binary_cross_entropy_with_logits(
        LOGITS[:2], TARGETS[:2].float(), reduction="none"
    )
    assert ours == pytest.approx(float((element[0].mean() + element[1, :, 2].mean()) / 2), rel=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_gradient_is_that_of_finite_differences(gamma: float) -> None:
    def total(logits: torch.Tensor) -> torch.Tensor:
        return MultilabelLoss(gamma, mean_of_labels=True)(logits, TARGETS, MASK, WEIGHTS).total

    assert torch.autograd.gradcheck(total, LOGITS.double().requires_grad_())
