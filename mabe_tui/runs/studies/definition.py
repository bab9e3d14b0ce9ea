"""What a study is about, by which a later `mabe tune` recognises it."""

from pathlib import Path
from typing import Any, Literal

import msgspec

from core.config.experiment import Experiment, identity
from core.config.tuning import Range

Sampler = Literal["tpe", "random", "grid"]
Prune = Literal["median", "hyperband", "none"]


class StudyDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """The definition of a study. It is the same for all its trials, or they would not be comparable."""

    version: str
    preset: str | None
    overrides: tuple[str, ...]
    data: str | None
    settings: dict[str, Any]
    """Settings of the version, without those that the ranges replace."""
    ranges: dict[str, Range]
    sampler: Sampler = "tpe"
    launcher: str = "local"
    """The launcher, the only one that knows the state of abandoned trials' runs."""

    def difference(self, other: "StudyDefinition") -> str | None:
        """Describe the first difference between two definitions."""
        ours, theirs = _flat(self), _flat(other)
        keys = dict.fromkeys([*ours, *theirs])
        return next((key for key in keys if ours.get(key) != theirs.get(key)), None)


def definition_of(
    experiment: Experiment,
    preset: str | None,
    overrides: tuple[str, ...],
    data: Path | None,
    launcher: str = "local",
    sampler: Sampler = "tpe",
) -> StudyDefinition:
    """Return the definition of a study of an experiment."""
    return StudyDefinition(
        version=experiment.name,
        preset=preset,
        overrides=overrides,
        data=str(data.resolve()) if data is not None else None,
        settings={k: v for k, v in identity(experiment).items() if k not in experiment.tune},
        ranges=experiment.tune,
        launcher=launcher,
        sampler=sampler,
    )


def _flat(definition: StudyDefinition) -> dict[str, Any]:
    """Convert to plain JSON values, so that tuples and lists are equal."""
    table = msgspec.json.decode(msgspec.json.encode(definition))
    settings, ranges = table.pop("settings"), table.pop("ranges")
    return {**table, **settings, **{f"tune.{path}": bounds for path, bounds in ranges.items()}}
