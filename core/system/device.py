"""Bringing what is computed on the host to where the tensors are."""

from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor


def to_device(values: npt.NDArray[Any], device: torch.device) -> Tensor:
    """Return an array as a tensor on a device, without waiting for what a GPU has yet to do.

    On a CPU it shares the array's memory. For a GPU it goes through pinned memory, which torch keeps
    until it is copied; a copy from other memory waits until the GPU's queue has run dry.
    """
    tensor = torch.from_numpy(values)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
