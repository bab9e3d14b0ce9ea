"""Convolution along time, kept in the memory order that is fast on a CPU.

A ``(batch, time, features)`` tensor is already a channels-last image of height 1, so these layers are
two-dimensional with 1 × k kernels: no copy on the way in or out, and several times faster than
``Conv1d`` on a CPU (``tests/bench/bench_inference.py``). Dropout is by channel; element-wise masks
would take a quarter of a step.
"""

import torch
from torch import Tensor, nn

from core.models.chunking import Chunking, within_reach


def as_image(inputs: Tensor) -> Tensor:
    """``(batch, time, features)`` → ``(batch, features, 1, time)``, a view."""
    return inputs.transpose(1, 2).unsqueeze(2)


def as_frames(image: Tensor) -> Tensor:
    """``(batch, features, 1, time)`` → ``(batch, time, features)``, a view."""
    return image.squeeze(2).transpose(1, 2)


def convolution(before: int, after: int, kernel_size: int, dilation: int = 1) -> nn.Sequential:
    """Convolution, BatchNorm and ReLU that keep the number of frames.

    Beyond both ends of the window it sees zeros. The bias is BatchNorm's.
    """
    return nn.Sequential(
        nn.Conv2d(
            before,
            after,
            (1, kernel_size),
            padding=(0, dilation * (kernel_size // 2)),
            dilation=(1, dilation),
            bias=False,
        ),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


class ConvolutionalModel(nn.Module):
    """Convolutions along time, and one linear layer on every frame.

    A subclass calls :meth:`add_head` once its own layers are there, and :meth:`answer` at the end of its
    forward pass.
    """

    head: nn.Linear
    reach: int
    """Frames on either side that an output depends on, at most."""
    chunk_step = 1
    """Chunks of a video start at a multiple of it."""

    def add_head(self, width: int, outputs: int, reach: int) -> None:
        """Make the last layer, and keep the weights of all in the order that is fast.

        Args:
            width: of what the layer reads on each frame.
            outputs: width of the output.
            reach: frames on either side that an output depends on, at most.
        """
        self.head = nn.Linear(width, outputs)
        self.reach = reach
        store_channels_last(self)

    def chunking(self, window: int) -> Chunking:
        """Choose chunks with all the context that an output depends on, whatever the windows were."""
        del window
        return within_reach(self.reach, self.chunk_step)

    def answer(self, image: Tensor) -> Tensor:
        """``(batch, width, 1, time)`` → ``(batch, time, outputs)`` logits."""
        logits: Tensor = self.head(as_frames(image))
        return logits


def store_channels_last(model: nn.Module) -> None:
    """Keep convolution weights in the order of the images, so that no step has to copy them."""
    for parameter in model.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
