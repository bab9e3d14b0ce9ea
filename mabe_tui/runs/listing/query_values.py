"""Right-hand values of a filter's operators, and their comparison with a run's values."""

import datetime as dt
import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mabe_tui.runs.format.units import seconds_in
from mabe_tui.runs.listing.fields import Row, Value, is_missing, natural

Test = Callable[[Row], bool]
TEXT_KEYS = ("id", "version", "tags", "note")
"""Keys that a bare word is searched in."""
WORDS: dict[str, bool | float | None] = {
    "true": True,
    "false": False,
    "none": None,
    "nan": math.nan,
}
ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T.*)?")


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal as written. A word may be text and a number, duration or date at the same time."""

    text: str
    number: float | None = None
    """Seconds of a duration."""
    is_duration: bool = False
    moment: dt.datetime | None = None
    constant: bool | float | None = None
    is_constant: bool = False
    """One of :data:`WORDS`."""


def literal(text: str, quoted: bool) -> Literal:
    """Parse a literal. In quotes it is text and nothing else."""
    if quoted:
        return Literal(text)
    if text in WORDS:
        return Literal(text, constant=WORDS[text], is_constant=True)
    if _NUMBER.fullmatch(text):
        return Literal(text, number=float(text))
    if (seconds := seconds_in(text)) is not None:
        return Literal(text, number=seconds, is_duration=True)
    return Literal(text, moment=_moment(text))


def _moment(text: str) -> dt.datetime | None:
    """Parse a date or a time; without a zone, in this computer's."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return dt.datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):  # the latter: the first day of the year 1 in this zone
        return None


def relation(key: str, sign: str, wanted: Literal) -> Test:
    """Compare a value with ``==``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``."""
    if wanted.is_constant and wanted.constant is None and sign in ("==", "!="):
        return lambda row: (row.get(key) is None) is (sign == "==")
    if sign == "==":
        return lambda row: equals(row.get(key), wanted)
    if sign == "!=":
        return lambda row: row.get(key) is not None and not equals(row.get(key), wanted)
    compare = ORDERINGS[sign]
    return lambda row: _ordered(row.get(key), wanted, compare)


def member(key: str, wanted: Sequence[Literal]) -> Test:
    """Return whether a value is one of several."""
    tests = [relation(key, "==", each) for each in wanted]
    return lambda row: any(test(row) for test in tests)


def matching(key: str, pattern: re.Pattern[str]) -> Test:
    """Return whether a regular expression matches a value, or any of several."""
    return lambda row: any(pattern.search(text) for text in _texts(row.get(key)))


def containing(key: str, wanted: Literal) -> Test:
    """Return whether a list contains a value, or a text contains it."""
    folded = wanted.text.casefold()

    def test(row: Row) -> bool:
        value = row.get(key)
        if isinstance(value, str):
            return folded in value.casefold()
        return equals(value, wanted)

    return test


def bare(text: str) -> Test:
    """Return whether a word occurs in a run's names, tags or note."""
    folded = text.casefold()

    def test(row: Row) -> bool:  # called for every run at every key press, hence no generators
        for key in TEXT_KEYS:
            for text in _texts(row.get(key)):
                if folded in text.casefold():
                    return True
        return False

    return test


def equals(value: Value, wanted: Literal) -> bool:
    """Return whether a run's value equals the literal; for several, whether one of them does."""
    if isinstance(value, tuple):
        return wanted.text in value
    if wanted.is_constant:
        both_nan = is_missing(value) and value is not None and wanted.text == "nan"
        return both_nan or (type(value) is type(wanted.constant) and value == wanted.constant)
    if isinstance(value, str):
        return value == wanted.text
    if isinstance(value, dt.datetime):
        return wanted.moment is not None and _same_day(value, wanted)
    return not isinstance(value, bool) and wanted.number is not None and value == wanted.number


def _same_day(value: dt.datetime, wanted: Literal) -> bool:
    assert wanted.moment is not None
    if "T" in wanted.text:
        return value == wanted.moment
    return value.astimezone(wanted.moment.tzinfo).date() == wanted.moment.date()


def _ordered(value: Value, wanted: Literal, compare: Callable[[Any, Any], bool]) -> bool:
    if is_missing(value) or isinstance(value, bool | tuple):
        return False
    if isinstance(value, str):
        return compare(natural(value), natural(wanted.text))
    if not isinstance(value, dt.datetime):
        return wanted.number is not None and compare(value, wanted.number)
    if wanted.is_duration:
        age = (dt.datetime.now(dt.UTC) - value).total_seconds()
        return compare(age, wanted.number)
    return wanted.moment is not None and compare(value, wanted.moment)


def _texts(value: Value) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return () if value is None else (str(value),)
