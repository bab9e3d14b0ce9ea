"""Copying host arrays to the device the tensors are on."""

from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor


def to_device(values: npt.NDArray[Any], device: torch.device) -> Tensor:
    """Return an array as a tensor on a device, without waiting for the GPU's queue.

    On a CPU the tensor shares the array's memory. For a GPU the copy goes through pinned memory, which
    torch keeps until the copy is done; a copy from pageable memory would wait until the queue is empty.
    """
    tensor = torch.from_numpy(values)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
