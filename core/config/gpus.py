"""The GPUs that can be rented, how one is asked for, and which one a device's own name means."""

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
"""Modal's documented GPU names and how many of each one container may have."""
PRICED_AS = {"A100": "A100-40GB", "B200+": "B200"}
"""Names for "this one or a better one", which costs what the plain one costs."""
UPGRADES = {"H100": "H200", "A100-40GB": "A100-80GB", "B200": "B300"}
"""What Modal may give instead, at the price of what was asked for; a ``!`` after the name forbids it."""
Gpu = str | tuple[str, ...] | None
"""One GPU, or several of which the first that is free is taken."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*\+?!?")
_OF_DEVICES = {"A10G": "A10"}
"""Words in the names of devices that differ from Modal's."""


def split_gpu(gpu: str) -> tuple[str, int]:
    """Split ``H100:2`` into its name and count; the ``!`` of ``H100!`` is no part of the name.

    Raises:
        ValueError: the count is not a whole number above 0.
    """
    name, _, count = gpu.partition(":")
    if (":" in gpu) and not re.fullmatch(r"[1-9][0-9]*", count):
        raise ValueError(f"the count after ':' in {gpu!r} must be a whole number from 1")
    return name.removesuffix("!"), int(count or 1)


def choices_of(gpu: Gpu) -> tuple[str, ...]:
    """Return the GPUs that a setting names, in order of preference; empty where it names none."""
    return () if gpu is None else (gpu,) if isinstance(gpu, str) else gpu


def gpu_text(gpu: Gpu) -> str | None:
    """Spell a setting in the width of a table's cell: ``H100`` or ``H100/A100-80GB``."""
    return "/".join(choices_of(gpu)) or None


def priced_name(gpu: str) -> str:
    """Return the name under which a GPU stands in a price list."""
    name = split_gpu(gpu)[0]
    return PRICED_AS.get(name, name)


def gpu_problem(gpu: Gpu) -> str | None:
    """Return what is wrong with a GPU setting, or ``None``."""
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
    """Return the names that are not in :data:`GPUS`: new ones, or slips that only Modal can tell."""
    names = (split_gpu(choice)[0] for choice in choices_of(gpu))
    return tuple(name for name in names if name not in GPUS and name not in PRICED_AS)


def match_device(device_name: str | None, gpus: Iterable[str]) -> str | None:
    """Return which of ``gpus`` a device is, by its own name: ``NVIDIA A100-SXM4-80GB`` is ``A100-80GB``.

    A device that is none of them may be the upgrade of one (:data:`UPGRADES`); that one is returned then.

    Args:
        device_name: as its driver spells it; ``None``: not known.
        gpus: as they were asked for, counts included.

    Returns:
        ``None`` where it is none of them.
    """
    asked = {choice: priced_name(choice) for choice in gpus}
    words = {_OF_DEVICES.get(word, word) for word in re.findall(r"\w+", device_name or "")}
    for names in (asked, {choice: UPGRADES.get(name, "") for choice, name in asked.items()}):
        found = [choice for choice, name in names.items() if name and set(name.split("-")) <= words]
        if found:
            return max(found, key=lambda choice: len(names[choice]))
    return None


def _problem(gpu: str) -> str | None:
    """Return what is wrong with one GPU's name and count. The original ``A10G`` is now ``A10``."""
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
