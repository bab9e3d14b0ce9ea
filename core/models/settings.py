"""The ``[model]`` table. It loads neither numpy nor torch, so that listing versions stays instant."""

from typing import Annotated, ClassVar, Literal, get_args

from msgspec import Meta

from core.config.section import Fraction, Section

Model = Literal["mlp", "conv_bilstm", "tcn", "unet1d", "hybrid", "transformer"]
MODELS: tuple[str, ...] = get_args(Model)
Width = Annotated[int, Meta(gt=0, le=65_536)]
"""Of a layer."""


class ModelConfig(Section, frozen=True):
    """The network. Each architecture reads the keys it knows."""

    chosen_by: ClassVar[str | None] = "name"
    of_one_choice: ClassVar[tuple[str, ...]] = ("channels", "layers")
    name: Model = "conv_bilstm"
    channels: tuple[Width, ...] | None = None
    """Widths of the convolutional blocks, or of the hidden layers of an MLP; none: the model's own."""
    kernel_size: Annotated[int, Meta(ge=1, le=1025)] = 3
    hidden_size: Width = 256
    """Width of the recurrent or attention layers."""
    layers: Annotated[int, Meta(gt=0, le=1024)] | None = None
    """Recurrent or attention layers; none: the model's own."""
    heads: Annotated[int, Meta(gt=0, le=1024)] = 8
    feed_forward: Width = 1024
    dropout: Fraction = 0.3
