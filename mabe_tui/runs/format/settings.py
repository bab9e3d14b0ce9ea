"""Settings of experiments: their formatting, and the differences between two experiments."""

from collections.abc import Sequence

from core.config.experiment import Experiment, flatten
from core.config.inheritance import choice, left_out
from core.config.strict import UNSET


def differences(first: Experiment, second: Experiment) -> list[tuple[str, object, object]]:
    """Return the settings in which two experiments differ: key path and both values."""
    left, right = flatten(first), flatten(second)
    keys = [*left, *(key for key in right if key not in left)]
    return [(key, left.get(key), right.get(key)) for key in keys if left.get(key) != right.get(key)]


def left_behind(base: Experiment, changed: Experiment) -> str | None:
    """Name the settings dropped because another model was chosen; ``None`` if there are none."""
    left = left_out(base, changed)
    if not left:
        return None
    settings = ", ".join(f"{key} = {spell(value)}" for key, value in left)
    section = left[0][0].partition(".")[0]
    before, after = choice(base, section), choice(changed, section)
    return f"left behind with {before}: {settings}; {after} has its own unless they are set"


def spell(value: object) -> str:
    """Format a setting's value as the registry would: ``none`` if unset, 0 and false as themselves."""
    if value is None:
        return UNSET
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(spell(item) for item in value) + "]"
    return str(value)


def spell_side_by_side(values: Sequence[object]) -> list[str]:
    """Format one setting of several experiments: floats with four digits.

    Different values stay different: if four digits do not distinguish two, each has all its digits.
    """
    short = [_short(value) for value in values]
    whole = [spell(value) for value in values]
    return short if len(set(short)) == len(set(whole)) else whole


def _short(value: object) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_short(item) for item in value) + "]"
    if isinstance(value, float) and float(short := f"{value:.4g}") != value:
        return short
    return spell(value)
