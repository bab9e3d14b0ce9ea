"""Parse the lines of the launch form."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from core.errors import ConfigError
from core.run.limits import Limits
from mabe_tui.runs.format.units import parse_dollars, parse_duration
from mabe_tui.runs.launching.run_requests import LaunchOptions, parse_seeds

Value = TypeVar("Value")
FEWEST_FOLDS, MOST_FOLDS = 2, 1000


@dataclass(frozen=True)
class Typed:
    """A form in which every line is valid by itself."""

    options: LaunchOptions
    parallel: int | None
    tags: tuple[str, ...]


class FieldError(ConfigError):
    """A line is invalid."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


def read_form(lines: Mapping[str, str], overrides: Sequence[str]) -> Typed:
    """Parse a form; empty lines mean defaults.

    Args:
        lines: field's name → the stripped text.
        overrides: ``key=value`` each, not validated here.

    Raises:
        FieldError: the message names the field and a valid entry.
    """
    longest, spent = lines["max time"], lines["budget"]
    limits = Limits(
        seconds=_read("max time", parse_duration, longest) if longest else None,
        cost_usd=_read("budget", parse_dollars, spent) if spent else None,
    )
    seeds, at_a_time, data = lines["seeds"], lines["at a time"], lines["data"]
    options = LaunchOptions(
        version=lines["version"],
        launcher=lines["on"] or None,
        data=Path(data).expanduser() if data else None,
        overrides=tuple(overrides),
        seeds=_read("seeds", parse_seeds, seeds) if seeds else (),
        folds=_read("folds", _folds, lines["folds"]) if lines["folds"] else None,
        preset=lines["preset"] or None,
        limits=limits,
    )
    parallel = _read("at a time", _count, at_a_time) if at_a_time else None
    return Typed(options, parallel, tuple(lines["tags"].split()))


def _read(field: str, read: Callable[[str, str], Value], text: str) -> Value:
    try:
        return read(text, field)
    except ConfigError as error:
        raise FieldError(field, str(error)) from error


def _count(text: str, name: str) -> int:
    if not re.fullmatch(r"0*[1-9][0-9]{0,3}", text):
        raise ConfigError(f"{name} {text}: write a whole number from 1 to 9999")
    return int(text)


def _folds(text: str, name: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text) or not FEWEST_FOLDS <= int(text) <= MOST_FOLDS:
        raise ConfigError(
            f"{name} {text}: write a whole number from {FEWEST_FOLDS} to {MOST_FOLDS}"
        )
    return int(text)
