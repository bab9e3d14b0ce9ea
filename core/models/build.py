"""From a ``[model]`` table and the shape of the data to a network.

Every network maps ``(batch, time, features)`` to ``(batch, time, outputs)`` logits, for any time from
one frame. What a table leaves out takes the architecture's own default.
"""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import msgspec
from torch import nn

from core.models.conv_bilstm import ConvBiLSTM
from core.models.hybrid import Hybrid
from core.models.input_spec import InputSpec
from core.models.mlp import FrameMLP
from core.models.settings import ModelConfig
from core.models.tcn import TCN
from core.models.transformer import FrameTransformer
from core.models.unet1d import UNet1D

ARCHITECTURES: Mapping[str, Callable[..., nn.Module]] = {
    "mlp": FrameMLP,
    "conv_bilstm": ConvBiLSTM,
    "tcn": TCN,
    "unet1d": UNet1D,
    "hybrid": Hybrid,
    "transformer": FrameTransformer,
}
"""The arguments of each have the names of what they are: fields of an input spec, and keys of a table."""


def build_model(config: ModelConfig, spec: InputSpec) -> nn.Module:
    """Build the network, initialised from the torch random state.

    Args:
        config: settings in which :func:`core.config.experiment_rules.problems` finds nothing wrong.
        spec: the shape of the data.
    """
    architecture = ARCHITECTURES[config.name]
    known: dict[str, Any] = {name: getattr(spec, name) for name in InputSpec.__slots__}
    known |= {
        key: value for key, value in msgspec.structs.asdict(config).items() if value is not None
    }
    wanted = signature(architecture).parameters
    return architecture(**{name: known[name] for name in wanted if name in known})
