"""The device that this machine computes on."""

import platform
from pathlib import Path
from typing import Literal

import torch

from core.errors import ConfigError


def choose_device(asked: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """Choose the device; ``auto`` takes CUDA where it is available.

    Raises:
        ConfigError: CUDA is requested and not available.
    """
    if asked == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "hardware.device: 'cuda' is not available on this machine; take 'auto': a run by"
            " `--set hardware.device=auto`, a checkpoint by `--device auto`"
        )
    if asked == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda")


def process_device(device: torch.device, rank: int, size: int) -> torch.device:
    """Return the device of one of several processes, and make it the current one."""
    if device.type != "cuda" or size == 1:
        return device
    torch.cuda.set_device(rank)
    return torch.device("cuda", rank)


def device_name(device: torch.device) -> str:
    """Return the name of the processor or graphics card, as its maker writes it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def make_deterministic(device: torch.device) -> None:
    """Make results deterministic where that is free, on the CPU."""
    if device.type == "cpu":
        torch.use_deterministic_algorithms(True, warn_only=True)
        # Filling new memory helps to find code that reads what it never wrote, but writes every buffer twice.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # set at run time
