import numpy as np
import torch

from core.system.device import to_device


def test_on_a_cpu_nothing_is_copied() -> None:
    values = np.arange(3)

    tensor = to_device(values, torch.device("cpu"))
    values[1] = 7

    assert tensor.tolist() == [0, 7, 2]
