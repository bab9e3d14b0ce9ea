"""From a ``[model]`` table and the shape of the data to a network.

Every network maps ``(batch, time, features)`` to ``(batch, time, outputs)`` logits, for any time from
one frame. What a table leaves out takes the architecture's own default.
"""

from collections.abc import Callable

from torch import nn

from core.config.experiment import ModelConfig
from core.models import conv_bilstm, hybrid, mlp, tcn, transformer, unet1d
from core.models.input_spec import InputSpec


def build_model(config: ModelConfig, spec: InputSpec) -> nn.Module:
    """Build the network, initialised from the torch random state.

    Args:
        config: settings in which :func:`core.config.experiment_rules.problems` finds nothing wrong.
        spec: the shape of the data.
    """
    return BUILDERS[config.name](config, spec)


def _conv_bilstm(config: ModelConfig, spec: InputSpec) -> nn.Module:
    return conv_bilstm.ConvBiLSTM(
        spec.features,
        spec.outputs,
        channels=config.channels or conv_bilstm.DEFAULT_CHANNELS,
        kernel_size=config.kernel_size,
        hidden_size=config.hidden_size,
        layers=config.layers or conv_bilstm.DEFAULT_LAYERS,
        dropout=config.dropout,
    )


def _mlp(config: ModelConfig, spec: InputSpec) -> nn.Module:
    return mlp.FrameMLP(
        spec.features,
        spec.outputs,
        channels=config.channels or mlp.DEFAULT_CHANNELS,
        dropout=config.dropout,
    )


def _tcn(config: ModelConfig, spec: InputSpec) -> nn.Module:
    return tcn.TCN(
        spec.features,
        spec.outputs,
        channels=config.channels or tcn.DEFAULT_CHANNELS,
        kernel_size=config.kernel_size,
        dropout=config.dropout,
    )


def _unet1d(config: ModelConfig, spec: InputSpec) -> nn.Module:
    return unet1d.UNet1D(
        spec.features,
        spec.outputs,
        channels=config.channels or unet1d.DEFAULT_CHANNELS,
        kernel_size=config.kernel_size,
        dropout=config.dropout,
    )


def _hybrid(config: ModelConfig, spec: InputSpec) -> nn.Module:
    return hybrid.Hybrid(
        spec.features,
        spec.outputs,
        mice=spec.mice,
        keypoints=spec.keypoints,
        blocks=spec.blocks,
        channels=config.channels or hybrid.DEFAULT_CHANNELS,
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


BUILDERS: dict[str, Callable[[ModelConfig, InputSpec], nn.Module]] = {
    "mlp": _mlp,
    "conv_bilstm": _conv_bilstm,
    "tcn": _tcn,
    "unet1d": _unet1d,
    "hybrid": _hybrid,
    "transformer": _transformer,
}
