"""Check that today's output still contains everything that was recorded."""

import math
from typing import Any

RELATIVE = 1e-6
"""Relative tolerance of numbers, because processors add in different orders."""
OF_THE_CHECKOUT = ("commit",)
"""Keys whose values depend on the git checkout that the tests run in, and are not compared."""


def differences(recorded: Any, now: Any, at: str = "$") -> list[str]:
    """Return where ``now`` lacks or changes something in ``recorded``; tables may have additional keys.

    Args:
        recorded: a JSON value of the record.
        now: the JSON value that answers the same question today.
        at: the JSON path of both.

    Returns:
        One line per difference, beginning with its JSON path.
    """
    if isinstance(recorded, dict) and isinstance(now, dict):
        lost = [f"{at}.{key}: is gone" for key in recorded if key not in now]
        shared = (key for key in recorded if key in now and key not in OF_THE_CHECKOUT)
        return lost + [
            line for k in shared for line in differences(recorded[k], now[k], f"{at}.{k}")
        ]
    if isinstance(recorded, list) and isinstance(now, list):
        if len(recorded) != len(now):
            return [f"{at}: has {len(now)} items, recorded are {len(recorded)}"]
        pairs = enumerate(zip(recorded, now, strict=True))
        return [line for n, (a, b) in pairs for line in differences(a, b, f"{at}[{n}]")]
    return [] if _is_same(recorded, now) else [f"{at}: is {now!r}, recorded is {recorded!r}"]


def _is_same(recorded: Any, now: Any) -> bool:
    if isinstance(recorded, float) and isinstance(now, float):
        return math.isclose(recorded, now, rel_tol=RELATIVE, abs_tol=1e-12)
    return type(recorded) is type(now) and bool(recorded == now)
