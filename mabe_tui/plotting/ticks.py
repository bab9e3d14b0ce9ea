"""Axis ticks: round positions and short, distinct labels."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count as counting_from
from itertools import takewhile
from typing import Literal

TickKind = Literal["linear", "integer", "log", "duration", "dollars"]
"""The quantity on an axis; durations are in seconds."""

SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
DURATION_STEPS = tuple(
    amount * unit
    for unit, amounts in (
        (1, (1, 2, 5, 10, 15, 30)),
        (60, (1, 2, 5, 10, 15, 30)),
        (3600, (1, 2, 3, 6, 12)),
    )
    for amount in amounts
)
DAY = 86_400


@dataclass(frozen=True)
class Ticks:
    """Ascending positions inside the range, in data units, each with its label."""

    positions: tuple[float, ...]
    labels: tuple[str, ...]


def ticks(low: float, high: float, most: int, kind: TickKind = "linear") -> Ticks:
    """Return at most ``most`` (at least one) round positions in ``[low, high]``, with labels.

    Raises:
        ValueError: the range is not finite or runs backwards, or a log range does not begin above 0.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"no ticks on the range {low} … {high}")
    most = max(most, 1)
    if kind == "log":
        return _log_ticks(low, high, most)
    smallest = (high - low) / most or 1.0
    if kind == "duration":
        steps = _duration_steps(smallest)
    else:
        steps = _round_steps(smallest, least=1.0 if kind == "integer" else 0.0)
    return _even_ticks(low, high, most, steps, LABELS[kind])


def named_ticks(names: Sequence[str]) -> Ticks:
    """Return a tick at 0, 1, 2 and so on for each name."""
    return Ticks(tuple(map(float, range(len(names)))), tuple(names))


def only_tick(value: float, kind: TickKind) -> Ticks:
    """Return one tick at a value, for an axis whose points all have that value."""
    label = LABELS[kind] if kind in ("duration", "dollars") else None
    return Ticks((value,), (label(value, abs(value) or 1.0) if label else short_number(value),))


def short_number(value: float) -> str:
    """Format four significant digits with k, M, G, T: ``0.4332``, ``12.5k``, ``3e-05``, ``NaN``, ``∞``."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    for scale, suffix in SUFFIXES:
        if abs(value) >= max(scale, 1e4):
            return _minus(f"{value / scale:.4g}{suffix}")
    return _minus(f"{value:.4g}")


def short_duration(seconds: float) -> str:
    """Format the two largest units: ``45s``, ``1m30s``, ``2h15m``, ``3d``; fractions only below a second."""
    sign, rest = ("−" if seconds < 0 else ""), abs(seconds)
    if 0 < rest < 1:
        return f"{sign}{rest:.3g}s"
    whole, parts = round(rest), []
    for unit, name in ((DAY, "d"), (3600, "h"), (60, "m"), (1, "s")):
        amount, whole = divmod(whole, unit)
        parts.append(f"{amount}{name}" if amount else "")
    first = next((i for i, part in enumerate(parts) if part), 3)
    return sign + ("".join(parts[first : first + 2]) or "0s")


def _even_ticks(
    low: float,
    high: float,
    most: int,
    steps: Iterator[float],
    label: Callable[[float, float], str],
) -> Ticks:
    """Return multiples of the first step that gives few enough; if under two, some of the step before's."""
    if low == high:
        return Ticks((low,), (label(low, abs(low) or 1.0),))
    finer = None
    for step in steps:
        first, last = _multiples(step, low, high)
        if last - first < most:
            break
        finer = step
    if last < first and finer is None:
        return _labelled([low], high - low, label)
    if last <= first and finer is not None and most > 1:
        return _labelled(_pair(low, high, step, finer), finer, label)
    if last < first and finer is not None:
        step = finer
        first = last = sum(_multiples(finer, low, high)) // 2
    positions = [min(max(index * step, low), high) for index in range(first, last + 1)]
    return _labelled(positions, step, label)


def _pair(low: float, high: float, step: float, finer: float) -> list[float]:
    """Return the only multiple of a step, if there is one, and the multiple of a finer step far from it."""
    ends = [min(max(index * finer, low), high) for index in _multiples(finer, low, high)]
    first, last = _multiples(step, low, high)
    if last < first:
        return ends
    only = min(max(first * step, low), high)
    return sorted([only, max(ends, key=lambda end: abs(end - only))])


def _labelled(positions: list[float], step: float, label: Callable[[float, float], str]) -> Ticks:
    """Return ticks whose labels all differ: a position with the same label as the previous one is dropped."""
    kept = {label(position, step): position for position in reversed(positions)}
    pairs = sorted((position, text) for text, position in kept.items())
    return Ticks(tuple(p for p, _ in pairs), tuple(text for _, text in pairs))


def _multiples(step: float, low: float, high: float) -> tuple[int, int]:
    """Return the first and last multiple of ``step`` in the range, tolerating rounding errors."""
    return math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)


def _round_steps(smallest: float, least: float = 0.0) -> Iterator[float]:
    """Yield 1, 2 and 5 times the powers of ten, ascending from just below ``smallest``."""
    for exponent in counting_from(math.floor(math.log10(smallest)) - 1):
        for mantissa in (1, 2, 5):
            step = mantissa * 10.0**exponent if exponent >= 0 else mantissa / 10.0**-exponent
            if step >= least:
                yield step


def _duration_steps(smallest: float) -> Iterator[float]:
    """Yield clock steps: fractions of a second, then seconds to 12 hours, then round days."""
    if smallest < 1:
        yield from takewhile(lambda step: step < 1, _round_steps(smallest))
    yield from (step for step in DURATION_STEPS if step >= smallest / 10)
    yield from (DAY * days for days in _round_steps(max(smallest / DAY, 1.0), least=1.0))


def _log_ticks(low: float, high: float, most: int) -> Ticks:
    """Return powers of ten, thinned evenly; if fewer than two, steps of 1, 2, 5 or 1, 3, else linear ones."""
    if low <= 0:
        raise ValueError(f"a log axis cannot begin at {low}")
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if last > first:
        stride = math.ceil((last - first + 1) / most)
        positions = [10.0**exponent for exponent in range(first, last + 1, stride)]
        return _labelled(_inside(positions, low, high), low, lambda value, _: short_number(value))
    for mantissas in ((1, 2, 5), (1, 3)):
        candidates = [m * 10.0**exponent for exponent in (first - 1, first) for m in mantissas]
        positions = [value for value in candidates if low <= value <= high]
        if 2 <= len(positions) <= most:
            return _labelled(positions, low, lambda value, _: short_number(value))
    return ticks(low, high, most)


def _inside(positions: list[float], low: float, high: float) -> list[float]:
    return [min(max(position, low), high) for position in positions]


def _number_label(value: float, step: float) -> str:
    """Format with as many decimals as the step needs to distinguish neighbours, and no more."""
    magnitude = max(abs(value), step)
    if magnitude < 1e-4:
        return _minus(f"{value:.{_digits_between(value, step)}e}") if value else "0"
    scale, suffix = next(
        ((s, t) for s, t in SUFFIXES if magnitude >= max(s, 1e4) and step >= s / 100), (1.0, "")
    )
    decimals = max(0, -math.floor(math.log10(step / scale) + 1e-9))
    text = f"{value / scale:.{min(decimals, 17)}f}"
    return "0" if float(text) == 0 else _minus(_trimmed(text) + suffix if suffix else text)


def _digits_between(value: float, step: float) -> int:
    """Return the decimals of the mantissa of ``value`` that show a change of ``step``."""
    return max(0, math.floor(math.log10(abs(value))) - math.floor(math.log10(step) + 1e-9))


def _duration_label(value: float, step: float) -> str:
    if step < 1:
        return _number_label(value, step) + "s"
    return short_duration(value)


def _dollar_label(value: float, step: float) -> str:
    sign, amount = ("−" if value < 0 else ""), abs(value)
    if step < 1 or (amount < 10_000 and step % 1):
        return f"{sign}${amount:.{max(2, -math.floor(math.log10(step) + 1e-9))}f}"
    return f"{sign}${_number_label(amount, step)}"


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _minus(text: str) -> str:
    """Write a true minus before a number; exponents keep the hyphen, which programs can parse."""
    return "−" + text[1:] if text.startswith("-") else text


LABELS: dict[str, Callable[[float, float], str]] = {
    "linear": _number_label,
    "integer": _number_label,
    "duration": _duration_label,
    "dollars": _dollar_label,
}
