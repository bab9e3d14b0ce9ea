import numpy as np
import pytest
import torch

from core.data.device import to_device


def test_on_a_cpu_nothing_is_copied() -> None:
    values = np.arange(3)

    tensor = to_device(values, torch.device("cpu"))
    values[1] = 7

    assert tensor.tolist() == [0, 7, 2]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_copy_to_a_gpu_does_not_wait_for_its_queue() -> None:
    device = torch.device("cuda")
    to_device(np.arange(3), device)  # the first time, pinned memory is asked for

    torch.cuda._sleep(1_000_000_000)
    tensor = to_device(np.arange(3), device)

    assert not torch.cuda.current_stream().query()
    assert tensor.tolist() == [0, 1, 2]
