"""The GPUs that can be rented, and how one is asked for."""

import re

GPUS: dict[str, int] = {
    "T4": 8,
    "L4": 8,
    "A10": 4,
    "L40S": 8,
    "A100-40GB": 8,
    "A100-80GB": 8,
    "RTX-PRO-6000": 8,
    "H100": 8,
    "H200": 8,
    "B200": 8,
}
"""Modal's documented GPU names and how many of each one container may have."""


def split_gpu(gpu: str) -> tuple[str, int]:
    """Split ``H100:2`` into its name and count.

    Raises:
        ValueError: the count is not a whole number above 0.
    """
    name, _, count = gpu.partition(":")
    if count and not re.fullmatch(r"[1-9][0-9]*", count):
        raise ValueError(f"the count after ':' in {gpu!r} must be a whole number from 1")
    return name, int(count or 1)


def gpu_problem(gpu: str) -> str | None:
    """Say what is wrong with a GPU request, or ``None``. The original ``A10G`` is now ``A10``."""
    try:
        name, count = split_gpu(gpu)
    except ValueError as error:
        return str(error)
    if name == "A10G":
        return "'A10G' is now called 'A10' on Modal"
    if name not in GPUS:
        return f"{gpu!r} is not a GPU that Modal offers; choose one of {', '.join(GPUS)}"
    if count > GPUS[name]:
        return f"{gpu!r} asks for {count}; one container has at most {GPUS[name]} {name}"
    return None
