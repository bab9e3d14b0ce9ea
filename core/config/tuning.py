"""Ranges that `mabe tune` searches: their syntax in the registry, and their rules.

```toml
[experiments.v2.tune]
training.learning_rate = { low = 1e-4, high = 3e-3, log = true }
training.batch_size = { choices = [32, 64, 128] }
```

A range is inherited like any setting, but never merged with its parent's: it replaces it entirely, and
``"none"`` removes it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

import msgspec

from core.config.section import Section
from core.config.strict import (
    UNSET,
    convert,
    describe,
    field_type,
    is_optional,
    nearest,
    struct_of,
    without_none,
)
from core.errors import ConfigError

NOT_TUNABLE = (
    "task",
    "hardware",
    "classes",
    "actions",
    "data.source",
    "data.mice",
    "data.keypoints",
    "data.frames_per_second",
    "data.validation_fraction",
    "data.split_seed",
    "data.folds",
    "data.fold",
    "data.validation_videos",
    "data.synthetic_videos",
    "data.synthetic_frames",
    "training.monitor",
    "training.seed",
    "training.start_from",
    "training.pseudo_labels",
    "training.teacher",
)
"""Settings that decide where a run happens and what its score is measured on, which would make the scores of
trials incomparable."""


class Range(Section, frozen=True):
    """The range of one setting: a number between two bounds, both included, or one of several values."""

    low: float | None = None
    high: float | None = None
    log: bool = False
    """Search the logarithm: for settings whose order of magnitude matters."""
    step: float | None = None
    """Between two values of a grid; with ``log``, their ratio. Other samplers draw any value between."""
    choices: tuple[Any, ...] | None = None
    """Values as written in the registry; ``"none"`` unsets an optional setting."""


def read_ranges(
    tables: Iterable[Mapping[str, Any]], kind: type[msgspec.Struct], name: Callable[[str], str]
) -> dict[str, Range]:
    """Merge the ``tune`` tables of a lineage, oldest first.

    Args:
        tables: nested tables, or key paths, that contain ranges.
        kind: the type of an experiment.
        name: returns the text that names a key path in a message: file, table, line.

    Raises:
        ConfigError: the value at a key path is not a range; names it.
    """
    merged = {path: value for table in tables for path, value in _leaves(table, kind)}
    ranges: dict[str, Range] = {}
    for path, value in merged.items():
        if value == UNSET:
            continue
        if not isinstance(value, Mapping) or not value:
            raise ConfigError(
                f"{name(f'tune.{path}')}: {value!r} is no range;"
                " write { low = …, high = … } or { choices = […] }"
            )
        ranges[path] = convert(value, Range, _below(name, path))
    return ranges


def _below(name: Callable[[str], str], path: str) -> Callable[[str], str]:
    """Name a key below a range; its line is expensive to find, and only needed for a message."""
    return lambda key: f"{name(f'tune.{path}')}.{key}"


def _leaves(
    table: Mapping[str, Any], kind: type[msgspec.Struct], prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    """Return the values at the key paths of nested tables, whether or not they are ranges."""
    for key, value in table.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and (struct_of(field_type(kind, path)) or _is_nested(value)):
            yield from _leaves(value, kind, f"{path}.")
        else:
            yield path, value


def _is_nested(table: Mapping[str, Any]) -> bool:
    return any(isinstance(value, Mapping) for value in table.values())


def range_problems(
    ranges: Mapping[str, Range], kind: type[msgspec.Struct], settings: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Find ranges from which no valid experiment can be drawn.

    Args:
        ranges: by the key path of their setting.
        kind: the type of an experiment.
        settings: all existing key paths, to suggest the nearest.

    Yields:
        Key path under ``tune``, and the problem there.
    """
    known = list(settings)
    for path, bounds in ranges.items():
        problem = _path_problem(path, known) or _problem(bounds, field_type(kind, path))
        if problem is not None:
            yield f"tune.{path}", problem


def _path_problem(path: str, known: list[str]) -> str | None:
    if any(f"{path}.".startswith(f"{fixed}.") for fixed in NOT_TUNABLE):
        return "is not to be tuned: it decides where a run happens or what its score is measured on"
    return None if path in known else f"no setting {path!r}{nearest(path, known)}"


def _problem(bounds: Range, kind: Any) -> str | None:
    if bounds.choices is None:
        return _bounds_problem(bounds, kind)
    if bounds.low is not None or bounds.high is not None or bounds.log or bounds.step is not None:
        return "give either choices, or low and high"
    if len({spelled(choice) for choice in bounds.choices}) < max(2, len(bounds.choices)):
        return "give at least two choices, each once"
    return next((p for choice in bounds.choices if (p := _value_problem(choice, kind))), None)


def _bounds_problem(bounds: Range, kind: Any) -> str | None:
    low, high, number = bounds.low, bounds.high, number_type(kind)
    if number is None:
        return f"give choices = […]: it is {describe(kind)}, and no number"
    if low is None or high is None:
        return "give low and high, or choices"
    if low >= high:
        return f"low {low:g} is not below high {high:g}"
    if bounds.log and low <= 0:
        return f"log = true needs low above 0, and it is {low:g}"
    if bounds.step is not None and (problem := _step_problem(bounds, bounds.step, number)):
        return problem
    whole = number is int and low.is_integer() and high.is_integer()
    ends = (int(low), int(high)) if whole else (low, high)
    return next((problem for end in ends if (problem := _value_problem(end, kind))), None)


def _step_problem(bounds: Range, step: float, number: type[int] | type[float]) -> str | None:
    if bounds.log and step <= 1:
        return f"step {step:g}: with log = true it is a factor, above 1"
    if step <= 0:
        return f"step {step:g} is not above 0"
    if number is int and not step.is_integer():
        return f"step {step:g} is not whole, and the setting is"
    return None


def number_type(kind: Any) -> type[int] | type[float] | None:
    """Return whether a setting's type is an integer, a number, or neither."""
    kind = without_none(kind)
    base = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return base if base in (int, float) else None


def _value_problem(value: Any, kind: Any) -> str | None:
    if value == UNSET and is_optional(kind):
        return None
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return f"{value!r} is not {describe(kind)}"
    return None


def spelled(value: Any) -> str:
    """Format a value so that ``key=value`` is an override that parses back to it."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
