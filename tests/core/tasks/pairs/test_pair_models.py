"""Networks of two images."""

import msgspec
import pytest
import torch
from torch import Tensor

from core.models.pair_joins import Fusions
from core.models.residual import ResidualStages
from core.tasks.pairs.model import ImageSpec, build_pair_model
from core.tasks.pairs.rules import problems
from core.tasks.pairs.settings import PairsExperiment, PairsModelConfig

SPEC = ImageSpec(height=14, width=12, mean=0.2, deviation=0.3)
SMALL = PairsModelConfig(width=4, feature_size=8)
KINDS = [
    {"name": "plain_difference"},
    {"name": "fusion"},
    {"name": "resnet", "layers": (1, 1)},
    {"name": "resnet", "layers": (1, 1), "block": "bottleneck", "joined": "heads"},
    {"name": "resnet", "layers": (1,), "joined": "difference", "attention": "none"},
    {"name": "pyramid", "layers": (1, 1)},
]


def network(**settings: object) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_pair_model(msgspec.structs.replace(SMALL, **settings), SPEC)


def images(count: int = 6) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    both = torch.rand(2, count, 1, 14, 12, generator=random)
    return both[0], both[1]


@pytest.mark.parametrize("settings", KINDS)
def test_a_pair_has_one_answer_and_every_weight_a_part_in_it(settings: dict[str, object]) -> None:
    model = network(**settings)
    answer = model(images())
    assert answer.shape == (6,)
    (answer**2).sum().backward()
    assert [name for name, each in model.named_parameters() if each.grad is None] == []
    model.eval()
    with torch.no_grad():
        torch.testing.assert_close(model(images())[:2], model(tuple(i[:2] for i in images())))


def test_a_plain_difference_knows_nothing_of_an_image_paired_with_itself() -> None:
    first, second = images()
    model = network(name="plain_difference").eval()
    with torch.no_grad():
        alike = model((first, first))
        assert alike.unique().numel() == 1
        assert model((first, second)).unique().numel() == 6


def test_the_width_multiplier_widens_every_stage() -> None:
    assert ResidualStages(8, (1, 1, 1), "basic", "none").widths == (8, 16, 32)
    wide = network(width_multiplier=2.0)
    assert [name for name, each in wide.named_parameters() if "stem" in name and each.ndim == 4]
    stem = dict(wide.named_parameters())["encoder.stages.stem.0.weight"]
    assert stem.shape[0] == 8


def test_fusions_weigh_one_each_at_first() -> None:
    fusions = Fusions(8, 0.0)
    weights = fusions.weights.softmax(0) * len(fusions.weights)
    torch.testing.assert_close(weights.detach(), torch.ones(6))


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"model": SMALL, "layers": (1, 1, 1, 1, 1)}, "model.layers"),
        ({"name": "plain_difference", "layers": (1,)}, "model.layers"),
        ({"name": "pyramid", "layers": (1,)}, "model.layers"),
    ],
)
def test_impossible_models_are_refused(settings: dict[str, object], key: str) -> None:
    settings.pop("model", None)
    experiment = PairsExperiment(name="x", model=msgspec.structs.replace(SMALL, **settings))
    assert [path for path, _ in problems(experiment)] == [key]
