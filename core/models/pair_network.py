"""A network of two images: one encoder for both, and a join of what it says of them."""

import torch
from torch import Tensor, nn


class TwoImageNetwork(nn.Module):
    """Maps two images to the logit of a relation between them.

    The statistics of pixels are buffers: a checkpoint contains them, and a run that starts from other
    weights keeps those that they were trained with.

    Args:
        encoder: maps ``(images, 1, height, width)`` to ``(images, features)``.
        join: maps two of these to logits ``(images,)``.
        mean: of the pixels.
        deviation: of the pixels, above 0.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, encoder: nn.Module, join: nn.Module, mean: float, deviation: float) -> None:
        super().__init__()
        self.encoder, self.join = encoder, join
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("deviation", torch.tensor(deviation))

    def forward(self, images: tuple[Tensor, Tensor]) -> Tensor:
        """Return the logits ``(pairs,)`` of two batches of images ``(pairs, 1, height, width)``."""
        both = (torch.cat(images) - self.mean) / self.deviation
        first, second = self.encoder(both).chunk(2)
        answer: Tensor = self.join(first, second)
        return answer


class PlainEncoder(nn.Module):
    """Two convolutions and a projection: the beginning that the stages are compared with.

    Args:
        width: channels of the first convolution; the second has twice as many.
        features: length of the vector.
    """

    def __init__(self, width: int, features: int) -> None:
        super().__init__()
        self.maps = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
        )
        self.project = nn.Linear(2 * width * 16, features)

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(images, features)`` of ``(images, 1, height, width)``."""
        vector: Tensor = self.project(self.maps(images))
        return vector
