"""One table of settings over another: how versions, presets and overrides build on each other."""

from collections.abc import Mapping
from typing import Any

from core.config.experiment import Experiment, ModelConfig

Table = dict[str, Any]
OF_ONE_MODEL = ("channels", "layers")
"""Settings of ``model`` that mean something else in every architecture: unset, each takes its own."""


def merge(base: Table, change: Mapping[str, Any]) -> Table:
    """Lay ``change`` over ``base``: tables merge deeply, everything else replaces."""
    merged = dict(base)
    for key, value in change.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, Mapping):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged


def inherit(base: Table, change: Mapping[str, Any]) -> Table:
    """Lay ``change`` over ``base``; where it names another model, that model's shape is its own.

    What :data:`OF_ONE_MODEL` names is then left out of ``base``; all other settings are kept.
    """
    model, changed = base.get("model"), change.get("model")
    if isinstance(model, dict) and isinstance(changed, Mapping):
        before = model.get("name", ModelConfig().name)
        if changed.get("name", before) != before:
            kept = {key: value for key, value in model.items() if key not in OF_ONE_MODEL}
            base = {**base, "model": kept}
    return merge(base, change)


def left_out(base: Experiment, changed: Experiment) -> list[tuple[str, object]]:
    """Return what an experiment does not take over from another because its model is another one."""
    if base.model.name == changed.model.name:
        return []
    values = ((key, getattr(base.model, key), getattr(changed.model, key)) for key in OF_ONE_MODEL)
    return [(f"model.{key}", old) for key, old, new in values if old is not None and new is None]
