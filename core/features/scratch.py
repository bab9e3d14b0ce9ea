"""Memory for intermediate results that is used again and again."""

import math
import threading

import torch
from torch import Tensor


class Scratch(threading.local):
    """Hands out tensors by name; asking for a name again gives the same memory.

    On a CPU, results of a few hundred kilobytes that are allocated anew come from the operating system
    each time, and touching its fresh pages takes longer than the arithmetic. Each thread has its own.

    Args:
        device: where the tensors are.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._held: dict[str, Tensor] = {}

    def __call__(self, name: str, *shape: int) -> Tensor:
        """Return a contiguous float32 tensor with whatever it held before."""
        size = math.prod(shape)
        held = self._held.get(name)
        if held is None or held.numel() < size:
            held = self._held[name] = torch.empty(size, device=self._device)
        return held[:size].view(shape)
