"""Any curves of several runs over one another, in a grid of charts, read as the runs grow."""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import RunError, UserError
from mabe_tui.plotting.panel import Panel
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.curves.curves import OF_TRAINING, leading_metric, measured
from mabe_tui.runs.curves.overlay import SideNumbers, axes_of, metrics_of, overlay
from mabe_tui.runs.curves.panels import RunNumbers
from mabe_tui.runs.reading.event_files import EventReader
from mabe_tui.runs.reading.growing import GrowingFold
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.tasks import spec_of

MOST_KEPT = 24
"""Runs whose numbers stay in memory; those drawn longest ago are dropped."""


@dataclass(frozen=True, slots=True)
class SideRequest:
    """One line of each chart: a run, or all seeds of a version as mean and band."""

    label: str
    runs: tuple[RunEntry, ...]
    line: int
    """The number of its colour and line style."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRequest:
    """What the grid should show."""

    sides: tuple[SideRequest, ...] = ()
    pattern: str = ""
    """A regular expression that the names of curves must contain; empty for all."""
    first: int = 0
    """Index of the first chart, among all that match."""
    charts: int = 0
    """Number of charts for which there is room."""
    axis: Axis = Axis.EPOCH
    smooth: float = 0.0
    log_y: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class MadeCharts:
    """The charts to show."""

    charts: dict[str, Panel]
    """Chart by the name of its curve."""
    names: tuple[str, ...]
    """All curves that match, also those beyond the charts."""
    first: int
    """Index of the first chart: moved back if fewer match than before."""
    axis: Axis
    """The axis that was used: time if a run has no price."""


def matching(names: Sequence[str], pattern: str) -> tuple[str, ...]:
    """Return the names that a pattern occurs in, in any case unless it has capitals.

    Raises:
        UserError: it is no regular expression.
    """
    flags = 0 if any(letter.isupper() for letter in pattern) else re.IGNORECASE
    try:
        wanted = re.compile(pattern, flags)
    except re.error as error:
        raise UserError(f"{pattern}: {error}") from None
    return tuple(name for name in names if wanted.search(name))


def is_scale(name: str) -> bool:
    """Return whether a logarithmic axis is useful for a curve: a loss, a rate or a norm."""
    return name.endswith("loss") or name in OF_TRAINING


class Workspace:
    """Reads the numbers of runs, nothing twice, and makes their charts. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, _Growing] = {}
        self._made: dict[str, tuple[object, Panel]] = {}

    def look(self, request: GridRequest) -> MadeCharts:
        """Read what is new, and make the charts whose numbers have changed.

        An unchanged chart keeps its :class:`~mabe_tui.plotting.panel.Panel`.

        Raises:
            UserError: the pattern is no regular expression.
        """
        with self._lock:
            return self._look(request)

    def _look(self, request: GridRequest) -> MadeCharts:
        sides, amounts = [], []
        for side in request.sides:
            found = [one for entry in side.runs if (one := self._read(entry)) is not None]
            sides.append(SideNumbers(side.label, tuple(one.numbers(side.label) for one in found)))
            amounts.append(tuple(one.amount for one in found))
        self._forget(request)
        names = matching(_most_telling(sides), request.pattern)
        first = max(
            0, min(request.first, (len(names) - 1) // max(1, request.charts) * request.charts)
        )
        axis = request.axis if request.axis in axes_of(sides) else Axis.TIME
        lines = [side.line for side in request.sides]
        look = lines, [side.label for side in sides], amounts, axis, request.smooth, request.log_y
        shown = names[first : first + request.charts]
        charts = {}
        for name in shown:
            kept = self._made.get(name)
            if kept is None or kept[0] != look:
                log_y = request.log_y and is_scale(name)
                kept = look, overlay(sides, lines, name, axis, smooth=request.smooth, log_y=log_y)
            charts[name] = kept[1]
            self._made[name] = kept
        self._made = {name: self._made[name] for name in shown}
        return MadeCharts(charts, names, first, axis)

    def _read(self, entry: RunEntry) -> "_Growing | None":
        known = self._known.pop(entry.id, None)
        try:
            known = known or _Growing(entry)
            known.read()
        except RunError:  # removed, or damaged: the table says so
            return None
        self._known[entry.id] = known  # last: the most recent
        return known

    def _forget(self, request: GridRequest) -> None:
        drawn = sum(len(side.runs) for side in request.sides)
        for name in [*self._known][: -max(MOST_KEPT, drawn)]:
            del self._known[name]


class _Growing:
    """One run's numbers so far."""

    def __init__(self, entry: RunEntry) -> None:
        self._request = entry.require_request()
        self._reader, self._fold = EventReader(entry.run), GrowingFold()

    def read(self) -> None:
        """Read what is new."""
        self._fold.feed(self._reader.read())

    def numbers(self, label: str) -> RunNumbers:
        """Return the source of the curves."""
        limits, spec = self._request.limits, spec_of(self._request.experiment)
        monitor = self._request.experiment.training.monitor
        return RunNumbers(label, self._fold.points, self._fold.history, limits, spec, monitor)

    @property
    def amount(self) -> tuple[int, ...]:
        """A value that changes whenever a curve does."""
        points = self._fold.points
        tables = points.steps, points.epochs, points.system, *points.free.values()
        return id(points), self._fold.turns, *map(len, tables)


def _most_telling(sides: Sequence[SideNumbers]) -> list[str]:
    """Return the names of all curves: first the leading metrics, last those of single labels."""
    runs = [run for side in sides for run in side.runs]
    leading = [leading_metric(run.points, run.spec) for run in runs if measured(run.points)]
    names = metrics_of(sides)
    ordered = dict.fromkeys([*leading, *names])
    known = [name for name in ordered if name in names]
    return sorted(known, key=lambda name: "/" in name)
