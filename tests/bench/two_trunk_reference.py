"""The same layers as torch's own modules have them: what the two-trunk network is measured against."""

import torch
from torch import Tensor, nn

from core.models.trunks import DEFAULT_LAYERS, TCN_KERNEL


class Reference(nn.Module):
    """Parallel Conv1d, a projection, a trunk and a linear layer, for all rows alike."""

    def __init__(self, kind: str, features: int, width: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv1d(features, width // 4, kernel, padding=kernel // 2) for kernel in (3, 5, 7, 9)
        )
        self.project = nn.Sequential(
            nn.LayerNorm(width), nn.GELU(), nn.Linear(width, width), nn.Dropout(dropout)
        )
        layers = DEFAULT_LAYERS[kind]
        self.kind = kind
        self.trunk: nn.Module
        if kind == "bigru":
            self.trunk = nn.GRU(
                width, width, layers, batch_first=True, bidirectional=True, dropout=dropout
            )
        elif kind == "attention":
            layer = nn.TransformerEncoderLayer(
                width, width // 32, 4 * width, dropout, "gelu", batch_first=True, norm_first=True
            )
            self.trunk = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        else:
            self.trunk = nn.Sequential(*(_Residual(width, n, dropout) for n in range(layers)))
        self.head = nn.Linear(2 * width if kind == "bigru" else width, outputs)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        image = inputs["features"].transpose(1, 2)
        frames = self.project(
            torch.cat([layer(image) for layer in self.convolutions], 1).transpose(1, 2)
        )
        if self.kind == "bigru":
            return self.head(self.trunk(frames)[0])
        if self.kind == "attention":
            return self.head(self.trunk(frames))
        return self.head(self.trunk(frames.transpose(1, 2)).transpose(1, 2))


class _Residual(nn.Module):
    def __init__(self, width: int, layer: int, dropout: float) -> None:
        super().__init__()
        dilation = TCN_KERNEL**layer
        self.body = nn.Sequential(
            nn.Conv1d(
                width, width, TCN_KERNEL, dilation=dilation, padding=dilation * (TCN_KERNEL // 2)
            ),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 1),
            nn.Dropout(dropout),
        )

    def forward(self, frames: Tensor) -> Tensor:
        return frames + self.body(frames)
