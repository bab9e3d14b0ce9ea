"""Metrics that another tool logged: series of (step, time, value), before they become a run."""

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import DataError

MOST_POINTS = 20_000_000
LARGEST_STEP = 2**53
LATEST = 253_402_300_799.0
"""The last second of the year 9999: a later time is none."""
TIMES = ("_timestamp", "time", "wall_time", "wall time", "timestamp", "datetime", "created_at")
"""Names under which tools keep the time of day, in small letters."""
STEPS = ("step", "global_step", "trainer/global_step", "_step", "iteration")
"""Names under which tools keep the step, the most telling first."""
EPOCH = "epoch"
OTHERS = ("_runtime", "relative_time")
"""Names of numbers that say when and not what."""


@dataclass
class MetricSeries:
    """One metric, in the order in which it was logged."""

    name: str
    step: list[int] = field(default_factory=list)
    time: list[float] = field(default_factory=list)
    """In seconds since 1970; NaN where it is not known."""
    value: list[float] = field(default_factory=list)

    def add(self, step: int, time: float, value: float) -> None:
        """Append a point."""
        self.step.append(step)
        self.time.append(time)
        self.value.append(value)

    def drop_from(self, step: int) -> None:
        """Forget the points from a step on: the training went back to it."""
        kept = [n for n, each in enumerate(self.step) if each < step]
        self.step = [self.step[n] for n in kept]
        self.time = [self.time[n] for n in kept]
        self.value = [self.value[n] for n in kept]


@dataclass(frozen=True)
class LoggedMetrics:
    """All that a source has."""

    name: str
    """Name of the file or folder."""
    series: Sequence[MetricSeries]
    ended: float
    """When the source was last written, in seconds since 1970: the end, where no time is known."""

    def digest(self) -> str:
        """Return a hash that is the same for the same points."""
        found = hashlib.sha256()
        for each in self.series:
            found.update(f"{each.name}|{each.step}|{each.time}|{each.value}\n".encode())
        return found.hexdigest()


class SeriesCollector:
    """Collects points by name."""

    def __init__(self, where: Path) -> None:
        self._where = where
        self._series: dict[str, MetricSeries] = {}
        self._count = 0

    def add(self, name: str, step: int, time: float, value: float) -> None:
        """Add a point; a time that cannot be one counts as unknown.

        Raises:
            DataError: there are too many, or the step is no possible one.
        """
        if abs(step) > LARGEST_STEP:
            raise DataError(f"{self._where}: {name}: step {step:.3g} is too large")
        time = time if 0 < time < LATEST else math.nan
        self._count += 1
        if self._count > MOST_POINTS:
            raise DataError(f"{self._where}: more than {MOST_POINTS:,} values")
        self._series.setdefault(name, MetricSeries(name)).add(step, time, value)

    def add_row(self, row: Iterable[tuple[str, float]], number: int) -> None:
        """Add what was logged together: one of the names may be a step, one a time of day.

        Args:
            row: name → number.
            number: of the row, from 0: its step where it has none.
        """
        values = dict(row)
        small = {name.casefold(): name for name in values}
        steps = [values[small[each]] for each in STEPS if each in small]
        step = next((int(each) for each in steps if math.isfinite(each)), number)
        times = [values[small[each]] for each in TIMES if each in small]
        time = next((each for each in times if math.isfinite(each)), math.nan)
        for name, value in values.items():
            if name.casefold() not in (*STEPS, *TIMES, *OTHERS):
                self.add(name, step, time, value)

    def drop_from(self, step: int) -> None:
        """Forget all points from a step on."""
        for each in self._series.values():
            each.drop_from(step)

    def found(self) -> list[MetricSeries]:
        """Return the series that have points.

        Raises:
            DataError: there are none.
        """
        series = [each for each in self._series.values() if each.value]
        if not series:
            raise DataError(f"{self._where}: has no metrics")
        return series


def is_wide(header: Sequence[str]) -> bool:
    """Return whether a table has a column for each metric, rather than a row for each value."""
    return not {"name", "value"} <= {name.casefold() for name in header}


def pairs(names: Sequence[str], values: Iterable[float | None]) -> Iterator[tuple[str, float]]:
    """Yield the names and numbers of a row, without what is missing."""
    for name, value in zip(names, values, strict=False):
        if value is not None:
            yield name, value
