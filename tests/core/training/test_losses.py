import pytest
import torch
from torch.nn import functional

from core.training.losses import frame_cross_entropy, mixed_cross_entropy

LOGITS = torch.randn(3, 7, 4, generator=torch.Generator().manual_seed(1))
TARGETS = torch.randint(0, 4, (3, 7), generator=torch.Generator().manual_seed(2))
CLASS_WEIGHTS = torch.tensor([0.5, 10.0, 15.0, 15.0])


@pytest.mark.parametrize("class_weights", [None, CLASS_WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_mean_is_torchs_own_over_the_frames_that_count(class_weights, smoothing):
    weights = torch.ones(3, 7)
    weights[1, 4:] = 0
    counted = weights.bool()
    loss = frame_cross_entropy(LOGITS, TARGETS, weights, class_weights, smoothing)
    expected = functional.cross_entropy(
        LOGITS[counted], TARGETS[counted], weight=class_weights, label_smoothing=smoothing
    )
    torch.testing.assert_close(loss.total / loss.weight, expected)


@pytest.mark.parametrize("share", [torch.tensor(0.3), torch.tensor([0.3, 0.3, 0.3])])
def test_mixed_targets_are_a_weighted_sum(share):
    second = (TARGETS + 1) % 4
    weights = torch.ones(3, 7)
    mixed = mixed_cross_entropy(LOGITS, TARGETS, weights, (second, share))
    first_part = functional.cross_entropy(LOGITS.flatten(0, 1), TARGETS.flatten())
    second_part = functional.cross_entropy(LOGITS.flatten(0, 1), second.flatten())
    torch.testing.assert_close(mixed.total / mixed.weight, 0.3 * first_part + 0.7 * second_part)


def test_a_batch_without_frames_weighs_nothing():
    loss = frame_cross_entropy(LOGITS, TARGETS, torch.zeros(3, 7), CLASS_WEIGHTS)
    assert (float(loss.total), float(loss.weight)) == (0.0, 0.0)
