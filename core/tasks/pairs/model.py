"""From a ``[model]`` table and the images' size to a network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from torch import nn

from core.models.pair_joins import Concatenation, Difference, Fusions, Heads
from core.models.pair_network import PlainEncoder, TwoImageNetwork
from core.models.residual import PyramidEncoder, ResidualEncoder, ResidualStages
from core.tasks.pairs.settings import PairsModelConfig

JOINS = {
    "difference": Difference,
    "concatenation": Concatenation,
    "fusion": Fusions,
    "heads": Heads,
}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "plain_difference": {"joined": "difference"},
    "fusion": {"layers": (2, 2, 2), "block": "basic", "attention": "cbam", "joined": "fusion"},
    "resnet": {"layers": (3, 3, 3), "block": "basic", "attention": "se", "joined": "concatenation"},
    "pyramid": {"layers": (2, 2, 2), "block": "basic", "attention": "se", "joined": "fusion"},
}
"""What a table leaves out."""


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """The images that a model is built for."""

    height: int
    width: int
    mean: float
    """Of pixels."""
    deviation: float

    def table(self) -> dict[str, Any]:
        """Return the spec as plain containers, for a checkpoint."""
        return {
            "height": self.height,
            "width": self.width,
            "mean": self.mean,
            "deviation": self.deviation,
        }

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read a spec out of a checkpoint; see :meth:`table`.

        Raises:
            TypeError: a key is missing or unknown.
        """
        return cls(**table)


def build_pair_model(config: PairsModelConfig, spec: ImageSpec) -> nn.Module:
    """Build the network, initialised from the torch random state.

    Args:
        config: settings in which :func:`core.tasks.pairs.rules.problems` finds nothing wrong.
        spec: what images are like.
    """
    settled = {
        key: getattr(config, key) if getattr(config, key) is not None else value
        for key, value in DEFAULTS[config.name].items()
    }
    width = max(1, round(config.width * config.width_multiplier))
    features = config.feature_size
    join = JOINS[settled["joined"]](features, config.dropout)
    if config.name == "plain_difference":
        encoder: nn.Module = PlainEncoder(width, features)
    else:
        stages = ResidualStages(width, settled["layers"], settled["block"], settled["attention"])
        kind = PyramidEncoder if config.name == "pyramid" else ResidualEncoder
        encoder = kind(stages, features)
    return TwoImageNetwork(encoder, join, spec.mean, spec.deviation)
