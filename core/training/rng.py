"""Every random number generator a run may draw from, seeded, captured and restored together."""

import random
from typing import Any

import numpy as np
import torch

# The legacy numpy generator is included because libraries still draw from it; our code does not.


def seed_everything(seed: int) -> None:
    """Seed Python's, numpy's and torch's generators, including those of all CUDA devices."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - seeded for libraries that use the global generator
    torch.manual_seed(seed)


def rng_state() -> dict[str, Any]:
    """Capture all generators as plain numbers, tuples and tensors, for a ``weights_only`` file."""
    numpy_state = np.random.get_state(legacy=False)  # noqa: NPY002 - as above
    numpy_state["state"]["key"] = numpy_state["state"]["key"].tolist()
    return {
        "python": random.getstate(),
        "numpy": numpy_state,
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore_rng(state: dict[str, Any]) -> None:
    """Restore all generators to a state from :func:`rng_state`.

    CUDA generators are restored only if the number of devices is the same; a run that moves to another
    machine cannot be identical anyway.
    """
    random.setstate(state["python"])
    numpy_state = dict(state["numpy"], state=dict(state["numpy"]["state"]))
    numpy_state["state"]["key"] = np.asarray(numpy_state["state"]["key"], dtype=np.uint32)
    np.random.set_state(numpy_state)  # noqa: NPY002 - as above
    torch.set_rng_state(state["torch"])
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
