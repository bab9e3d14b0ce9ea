"""From a ``[model]`` table and the shape of the data to a network.

Every network maps ``(batch, time, features)`` to ``(batch, time, outputs)`` logits, for any time from
one frame. What a table leaves out takes the architecture's own default.
"""

from collections.abc import Callable

from torch import nn

from core.errors import ConfigError
from core.experiment import ModelConfig
from core.models import conv_bilstm, hybrid, mlp, tcn, transformer, unet1d
from core.tasks.task import InputSpec


def build_model(config: ModelConfig, spec: InputSpec) -> nn.Module:
    """Build the network, initialised from the torch random state.

    Raises:
        ConfigError: settings that this architecture cannot have, or not with these inputs.
    """
    return BUILDERS[config.name](config, spec)


def _conv_bilstm(config: ModelConfig, spec: InputSpec) -> nn.Module:
    return conv_bilstm.ConvBiLSTM(
        spec.features,
        spec.outputs,
        channels=_channels(config, conv_bilstm.DEFAULT_CHANNELS),
        kernel_size=_odd_kernel(config),
        hidden_size=config.hidden_size,
        layers=config.layers or conv_bilstm.DEFAULT_LAYERS,
        dropout=config.dropout,
    )


def _mlp(config: ModelConfig, spec: InputSpec) -> nn.Module:
    return mlp.FrameMLP(
        spec.features,
        spec.outputs,
        channels=_channels(config, mlp.DEFAULT_CHANNELS),
        dropout=config.dropout,
    )


def _tcn(config: ModelConfig, spec: InputSpec) -> nn.Module:
    return tcn.TCN(
        spec.features,
        spec.outputs,
        channels=_channels(config, tcn.DEFAULT_CHANNELS),
        kernel_size=_odd_kernel(config),
        dropout=config.dropout,
    )


def _unet1d(config: ModelConfig, spec: InputSpec) -> nn.Module:
    return unet1d.UNet1D(
        spec.features,
        spec.outputs,
        channels=_channels(config, unet1d.DEFAULT_CHANNELS),
        kernel_size=_odd_kernel(config),
        dropout=config.dropout,
    )


def _hybrid(config: ModelConfig, spec: InputSpec) -> nn.Module:
    return hybrid.Hybrid(
        spec.features,
        spec.outputs,
        mice=spec.mice,
        keypoints=spec.keypoints,
        blocks=spec.blocks,
        channels=_channels(config, hybrid.DEFAULT_CHANNELS),
        hidden_size=config.hidden_size,
        layers=config.layers or hybrid.DEFAULT_LAYERS,
        dropout=config.dropout,
    )


def _transformer(config: ModelConfig, spec: InputSpec) -> nn.Module:
    return transformer.FrameTransformer(
        spec.features,
        spec.outputs,
        hidden_size=config.hidden_size,
        layers=config.layers or transformer.DEFAULT_LAYERS,
        heads=config.heads,
        feed_forward=config.feed_forward,
        dropout=config.dropout,
    )


def _channels(config: ModelConfig, default: tuple[int, ...]) -> tuple[int, ...]:
    channels = default if config.channels is None else config.channels
    if not channels:
        raise ConfigError(
            f"model.channels: {config.name!r} needs at least one width;"
            f" leave the key out for {list(default)}"
        )
    return channels


def _odd_kernel(config: ModelConfig) -> int:
    if config.kernel_size % 2 == 0:
        raise ConfigError(
            f"model.kernel_size: {config.kernel_size} is even, so a frame would not be in the middle"
            f" of what {config.name!r} sees; use {config.kernel_size - 1} or {config.kernel_size + 1}"
        )
    return config.kernel_size


BUILDERS: dict[str, Callable[[ModelConfig, InputSpec], nn.Module]] = {
    "mlp": _mlp,
    "conv_bilstm": _conv_bilstm,
    "tcn": _tcn,
    "unet1d": _unet1d,
    "hybrid": _hybrid,
    "transformer": _transformer,
}
