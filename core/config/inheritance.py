"""Merge tables of settings: the basis of versions, presets and overrides."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.config.experiment import Experiment
from core.config.section import Section
from core.config.strict import default_of, fields_of, struct_of

Table = dict[str, Any]


def merge(base: Table, change: Mapping[str, Any]) -> Table:
    """Merge ``change`` into ``base``: tables merge deeply, other values are replaced."""
    merged = dict(base)
    for key, value in change.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, Mapping):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged


def states(table: Mapping[str, Any], path: str) -> bool:
    """Return whether a table sets a key path, such as ``training.epochs``, or anything below it."""
    value: object = table
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return True


def inherit(base: Table, change: Mapping[str, Any], kind: type[Experiment]) -> Table:
    """Merge ``change`` into ``base``; if it chooses another model, the old model's shape is dropped.

    The keys in :attr:`~core.config.section.Section.of_one_choice` are then left out of ``base``; all other
    settings are kept.

    Args:
        base: settings of an experiment.
        change: the settings to merge in.
        kind: the type of the experiment.
    """
    for key, section in _sections_of_a_choice(kind):
        below, changed = base.get(key), change.get(key)
        if isinstance(below, dict) and isinstance(changed, Mapping):
            before = below.get(section.chosen_by, default_of(section, str(section.chosen_by)))
            if changed.get(section.chosen_by, before) != before:
                kept = {k: value for k, value in below.items() if k not in section.of_one_choice}
                base = {**base, key: kept}
    return merge(base, change)


def left_out(base: Experiment, changed: Experiment) -> list[tuple[str, object]]:
    """Return the settings that an experiment does not inherit because it chooses another model."""
    return [
        (f"{key}.{name}", old)
        for key, section in _sections_of_a_choice(type(changed))
        if isinstance(base, type(changed)) and choice(base, key) != choice(changed, key)
        for name in section.of_one_choice
        if (old := getattr(getattr(base, key), name)) is not None
        and getattr(getattr(changed, key), name) is None
    ]


def choice(experiment: Experiment, key: str) -> object:
    """Return the choice in a section of an experiment, such as the name of its ``model``; else ``None``."""
    section = getattr(experiment, key, None)
    chosen_by = getattr(section, "chosen_by", None)
    return getattr(section, chosen_by) if chosen_by is not None else None


def _sections_of_a_choice(kind: type[Experiment]) -> Iterator[tuple[str, type[Section]]]:
    for key, field in fields_of(kind).items():
        section = struct_of(field)
        if section is not None and issubclass(section, Section) and section.chosen_by is not None:
            yield key, section
