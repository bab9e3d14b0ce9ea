"""What networks with a bidirectional LSTM have in common: context for every frame, then one linear layer."""

from torch import Tensor, nn


class RecurrentModel(nn.Module):
    """Ends in a bidirectional LSTM and one linear layer on every frame.

    The LSTM starts from a zero state at both ends of a window. A subclass calls :meth:`add_context` once its
    own layers are there, and :meth:`in_context` at the end of its forward pass.
    """

    lstm: nn.LSTM
    dropout: nn.Dropout
    head: nn.Linear

    def add_context(
        self, width: int, outputs: int, hidden_size: int, layers: int, dropout: float
    ) -> None:
        """Make the last layers.

        Args:
            width: of what the LSTM reads on each frame.
            outputs: width of the output.
            hidden_size: width of the LSTM in each direction.
            layers: LSTM layers, with dropout between them.
            dropout: share of activations dropped between and after the LSTM layers.
        """
        self.lstm = nn.LSTM(
            width,
            hidden_size,
            layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout if layers > 1 else 0.0,
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * hidden_size, outputs)

    def in_context(self, frames: Tensor) -> Tensor:
        """``(batch, time, width)`` → ``(batch, time, outputs)`` logits."""
        context, _ = self.lstm(frames)
        logits: Tensor = self.head(self.dropout(context))
        return logits
