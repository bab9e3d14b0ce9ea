"""Parse and format durations, amounts and sizes, for the command line and the dashboard."""

import math
import re

from core.errors import MisuseError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([smhdw])")
LEAST_USD = 0.01
LONGEST = 10 * 365 * UNITS["d"]
"""Maximum duration in seconds: ten years."""


def duration(seconds: float | None) -> str:
    """Format a duration: ``45s``, ``12m 05s``, ``1h 23m``; ``–`` for none."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"


def short_duration(seconds: float) -> str:
    """Format a duration, with tenths if whole seconds would be too coarse."""
    return f"{seconds:.1f}s" if seconds < 10 else duration(seconds)


def parse_duration(text: str, name: str = "--max-time") -> float:
    """Parse ``2h``, ``1h30m`` or ``90m``; return seconds.

    Args:
        text: the text to parse.
        name: how the error refers to it.

    Raises:
        MisuseError: it is not a duration, has no unit, or is 0 or longer than ten years.
    """
    seconds = seconds_in(text.strip().lower())
    if not seconds:
        raise MisuseError(f"{name} {text}: write it as 2h, 1h30m, 45m or 90s, with its unit")
    if seconds > LONGEST:
        raise MisuseError(f"{name} {text}: longer than ten years; name a shorter time")
    return seconds


def parse_dollars(text: str, name: str = "--budget") -> float:
    """Parse ``15`` or ``$12.50``.

    Args:
        text: the text to parse.
        name: how the error refers to it.

    Raises:
        MisuseError: it is not an amount, or less than a cent.
    """
    try:
        dollars = float(text.strip().removeprefix("$"))
    except ValueError:
        dollars = math.nan
    if not LEAST_USD <= dollars < math.inf:
        raise MisuseError(f"{name} {text}: write dollars, from {LEAST_USD}, as in 12.50")
    return dollars


def seconds_in(text: str) -> float | None:
    """Parse ``2h``, ``1h30m`` or ``1w``; return seconds, or ``None`` if it is not a duration."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def size_text(size: float) -> str:
    """Format a number of bytes: ``512 B``, ``3.4 MiB``."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} GiB"
