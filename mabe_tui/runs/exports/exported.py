"""The curves of a run as other tools take them: a step, a time of day and a value for each point."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.errors import RunError
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.curves.curves import curve, curve_names
from mabe_tui.runs.curves.panels import RunNumbers
from mabe_tui.runs.reading.points import Floats


class Point(NamedTuple):
    """One measurement."""

    name: str
    step: int
    """Optimiser steps since the start of the run; between two events with steps, interpolated."""
    epoch: float
    time: float
    """In seconds since 1970."""
    value: float
    event: tuple[int, int]
    """Number of the attempt, and of the event in it: what was measured together shares it."""


@dataclass(frozen=True, eq=False)
class ExportedCurve:
    """One curve without what a resume superseded; all arrays are ``(points,)``, in the order of events."""

    name: str
    step: NDArray[np.int64]
    epoch: Floats
    time: Floats
    """In seconds since 1970."""
    value: Floats
    attempt: NDArray[np.int64]
    """Number of the attempt, from 0."""
    seq: NDArray[np.int64]

    def points(self, after: tuple[int, int] = (-1, 0)) -> Iterator[Point]:
        """Yield the points.

        Args:
            after: only those of later events than this: number of the attempt, and of the event in it.
        """
        columns = (self.step, self.epoch, self.time, self.value, self.attempt, self.seq)
        later = (self.attempt > after[0]) | ((self.attempt == after[0]) & (self.seq > after[1]))
        rows = zip(*(column[later].tolist() for column in columns), strict=True)
        for step, epoch, time, value, attempt, seq in rows:
            yield Point(self.name, step, epoch, time, value, (attempt, seq))


def exported_curves(numbers: RunNumbers, may_be_empty: bool = False) -> list[ExportedCurve]:
    """Return all curves that a run has.

    Args:
        numbers: the run's.
        may_be_empty: whether to return nothing for a run that has measured nothing.

    Raises:
        RunError: it has measured nothing yet.
    """
    names = curve_names(numbers.points)
    found = [each for name in names if len((each := _exported(numbers, name)).value)]
    if not found and not may_be_empty:
        raise RunError(f"{numbers.label}: nothing was measured yet, so there is nothing to export")
    return found


def _exported(numbers: RunNumbers, name: str) -> ExportedCurve:
    by_step = curve(numbers.points, numbers.history, name, Axis.STEP)
    by_epoch = curve(numbers.points, numbers.history, name, Axis.EPOCH)
    kept = ~by_step.superseded & np.isfinite(by_step.x)
    return ExportedCurve(
        name=name,
        step=by_step.x[kept].astype(np.int64),
        epoch=by_epoch.x[kept],
        time=by_step.time[kept],
        value=by_step.y[kept],
        attempt=by_step.attempt[kept].astype(np.int64),
        seq=by_step.seq[kept].astype(np.int64),
    )


def untold(done: int, total: int, what: str) -> None:
    """Report progress to nobody."""


def iso_time(seconds: float) -> str:
    """Return a time of day in UTC, to the microsecond, as ``2026-11-21T03:15:00.000000Z``."""
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"
