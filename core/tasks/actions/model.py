"""The network of an experiment, from its settings and what a checkpoint keeps of the data."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from core.data.actions import SELF_ACTIONS
from core.errors import ConfigError
from core.features.pair_columns import FEATURES, SELF_FEATURES
from core.features.standardise import FeatureStatistics
from core.models.standardised import Standardised
from core.models.two_trunk import TwoTrunk
from core.tasks.actions.settings import ActionsModelConfig

KIND = "actions"
"""Marks this task's part of a checkpoint."""


def input_table(
    actions: tuple[str, ...], categories: dict[str, int], statistics: FeatureStatistics
) -> dict[str, Any]:
    """Return what determines a network besides its settings, as checkpoints store it.

    Args:
        actions: the outputs, in order.
        categories: name of each id input → number of ids.
        statistics: statistics of the features.
    """
    return {
        "features": FEATURES,
        "actions": list(actions),
        "categories": dict(categories),
        "statistics": statistics.state_dict(),
    }


def build_network(config: ActionsModelConfig, table: Mapping[str, Any]) -> nn.Module:
    """Build a network, initialised from torch's random state.

    Args:
        config: settings of the network.
        table: from :func:`input_table`.

    Raises:
        ConfigError: the model is not a network.
        ValueError: the table was made for other inputs than this version computes.
    """
    if config.name != "two_trunk":
        raise ConfigError(f"model.name: {config.name!r} is not a network")
    if table["features"] != FEATURES:
        raise ValueError(f"{table['features']} inputs, but this version computes {FEATURES}")
    actions = table["actions"]
    network = TwoTrunk(
        features=FEATURES,
        outputs=len(actions),
        self_outputs=[place for place, name in enumerate(actions) if name in SELF_ACTIONS],
        categories=table["categories"],
        self_features=SELF_FEATURES,
        trunk=config.trunk,
        width=config.width,
        layers=config.layers,
        kernels=config.kernels,
        heads=config.heads,
        dropout=config.dropout,
        embedding=config.embedding,
    )
    return Standardised(network, FeatureStatistics.from_state(table["statistics"]))
