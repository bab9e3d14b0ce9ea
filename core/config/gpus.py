"""The GPUs that can be rented, the syntax to request them, and their match with device names."""

import re
from collections.abc import Iterable

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
"""Modal's documented GPU names and the maximum number in one container."""
PRICED_AS = {"A100": "A100-40GB", "B200+": "B200"}
"""Names for "this one or a better one", which costs what the plain one costs."""
UPGRADES = {"H100": "H200", "A100-40GB": "A100-80GB", "B200": "B300"}
"""GPUs that Modal may provide instead, at the requested one's price; a ``!`` after the name forbids it."""
Gpu = str | tuple[str, ...] | None
"""One GPU, or several of which the first available one is used."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*\+?!?")
_OF_DEVICES = {"A10G": "A10"}
"""Parts of device names that differ from Modal's names."""


def split_gpu(gpu: str) -> tuple[str, int]:
    """Split ``H100:2`` into its name and count; the ``!`` of ``H100!`` is not part of the name.

    Raises:
        ValueError: the count is not a whole number above 0.
    """
    name, _, count = gpu.partition(":")
    if (":" in gpu) and not re.fullmatch(r"[1-9][0-9]*", count):
        raise ValueError(f"the count after ':' in {gpu!r} must be a whole number from 1")
    return name.removesuffix("!"), int(count or 1)


def choices_of(gpu: Gpu) -> tuple[str, ...]:
    """Return the GPUs in a setting, in order of preference; empty if there are none."""
    return () if gpu is None else (gpu,) if isinstance(gpu, str) else gpu


def gpu_text(gpu: Gpu) -> str | None:
    """Format a setting to fit a table cell: ``H100`` or ``H100/A100-80GB``."""
    return "/".join(choices_of(gpu)) or None


def priced_name(gpu: str) -> str:
    """Return the name of a GPU in a price list."""
    name = split_gpu(gpu)[0]
    return PRICED_AS.get(name, name)


def gpu_problem(gpu: Gpu) -> str | None:
    """Return the problem with a GPU setting, or ``None``."""
    choices = choices_of(gpu)
    if not choices and gpu is not None:
        return 'an empty list asks for no GPU; leave the key out, or write "none"'
    for choice in choices:
        if (problem := _problem(choice)) is not None:
            return problem
    names = [split_gpu(choice)[0] for choice in choices]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        return f"{', '.join(twice)} is named twice"
    counts = {split_gpu(choice)[1] for choice in choices}
    if len(counts) > 1:
        return (
            "a list asks for as many GPUs whichever it gets, because they share each batch;"
            f" here they are {', '.join(map(str, sorted(counts)))}"
        )
    return None


def unknown_gpus(gpu: Gpu) -> tuple[str, ...]:
    """Return the names missing from :data:`GPUS`: new ones, or mistakes that only Modal can detect."""
    names = (split_gpu(choice)[0] for choice in choices_of(gpu))
    return tuple(name for name in names if name not in GPUS and name not in PRICED_AS)


def match_device(device_name: str | None, gpus: Iterable[str]) -> str | None:
    """Return which of ``gpus`` a device is, from its own name: ``NVIDIA A100-SXM4-80GB`` is ``A100-80GB``.

    A device that matches none of them may be the upgrade of one (:data:`UPGRADES`), which is then returned.

    Args:
        device_name: name from its driver; ``None`` if unknown.
        gpus: as requested, counts included.

    Returns:
        ``None`` if it matches none of them.
    """
    asked = {choice: priced_name(choice) for choice in gpus}
    words = {_OF_DEVICES.get(word, word) for word in re.findall(r"\w+", device_name or "")}
    for names in (asked, {choice: UPGRADES.get(name, "") for choice, name in asked.items()}):
        found = [choice for choice, name in names.items() if name and set(name.split("-")) <= words]
        if found:
            return max(found, key=lambda choice: len(names[choice]))
    return None


def _problem(gpu: str) -> str | None:
    """Return the problem with one GPU's name and count. The original ``A10G`` is now ``A10``."""
    try:
        name, count = split_gpu(gpu)
    except ValueError as error:
        return str(error)
    if not _NAME.fullmatch(gpu.partition(":")[0]):
        return f"{gpu!r} is no GPU's name; Modal offers {', '.join(GPUS)}"
    if name == "A10G":
        return "'A10G' is now called 'A10' on Modal"
    for known in (*GPUS, *PRICED_AS):
        if name != known and name.lower() == known.lower():
            return f"{name!r} is spelled {known!r}"
    most = GPUS.get(PRICED_AS.get(name, name), count)
    if count > most:
        return f"{gpu!r} asks for {count}; one container has at most {most} {name}"
    return None
