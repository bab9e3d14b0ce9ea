"""Settings of experiments: how they are spelled, and in which two experiments differ."""

from core.experiment import Experiment, flatten
from core.registry import UNSET


def differences(first: Experiment, second: Experiment) -> list[tuple[str, object, object]]:
    """Give the settings in which two experiments differ: key path and both values."""
    left, right = flatten(first), flatten(second)
    keys = [*left, *(key for key in right if key not in left)]
    return [(key, left.get(key), right.get(key)) for key in keys if left.get(key) != right.get(key)]


def spell(value: object) -> str:
    """Spell a setting's value as the registry would: ``none`` where unset, 0 and false as themselves."""
    if value is None:
        return UNSET
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(spell(item) for item in value) + "]"
    return str(value)
