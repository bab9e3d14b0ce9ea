"""The network of v2, v4, v5 and v6: three convolutions for local motion, a BiLSTM for context."""

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from core.models.recurrent import RecurrentModel


class ConvBiLSTM(RecurrentModel):
    """Convolutional blocks, then a bidirectional LSTM, then one linear layer on every frame.

    With 288 inputs, 4 outputs and the defaults it has 2,811,204 parameters. The convolutions see
    zeros (the mean, as inputs are standardised) beyond both ends of a window, and the LSTM starts
    from a zero state there: the first and last few frames of a window are told less than the rest.

    Args:
        features: width of the input.
        outputs: width of the output.
        channels: width of each convolutional block.
        kernel_size: odd; frames each convolution sees.
        hidden_size: width of the LSTM in each direction.
        layers: LSTM layers, with dropout between them.
        dropout: share of activations dropped after each block, between and after the LSTM layers.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        channels: Sequence[int] = (64, 128, 256),
        kernel_size: int = 3,
        hidden_size: int = 256,
        layers: int = 2,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        widths = (features, *channels)
        self.blocks = nn.Sequential(
            *(
                _block(before, after, kernel_size, dropout)
                for before, after in itertools.pairwise(widths)
            )
        )
        self.add_context(widths[-1], outputs, hidden_size, layers, dropout)

    def forward(self, inputs: Tensor) -> Tensor:
        """``(batch, time, features)`` → ``(batch, time, outputs)`` logits, for any time from 1."""
        local: Tensor = self.blocks(inputs.transpose(1, 2))
        return self.in_context(local.transpose(1, 2))


def _block(before: int, after: int, kernel_size: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(before, after, kernel_size, padding=kernel_size // 2),
        nn.BatchNorm1d(after),
        nn.ReLU(),
        nn.Dropout(dropout),
    )
