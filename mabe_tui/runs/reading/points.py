"""The numbers that a run reports, in growing arrays: the source of its curves."""

import bisect
import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.run.events import READINGS, AnyEvent, Epoch, FreeMetrics, RunStarted, Step, System, began
from core.run.limits import HOUR, Limits

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

PLACE = ("attempt", "seq", "time")
"""The first columns of every table: index of the attempt, ``seq``, and seconds since 1970."""
OF_STEPS = ("epoch", "step", "loss", "learning_rate", "gradient_norm", "frames_per_second")
OF_EPOCHS = (
    "epoch", "step", "seconds", "train_loss", "learning_rate", "gradient_norm", "frames_per_second",
)  # fmt: skip
OF_FREE = ("step", "value")
FIRST_ROOM = 256


class Table:
    """Rows of numbers, appended at the end; each column is one array."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = [*columns]
        self._room: Floats = np.empty((len(columns), FIRST_ROOM))
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, name: str) -> Floats:
        """Return a column as a view ``(rows,)``, which does not grow with the table."""
        return self._room[self.columns.index(name), : self._rows]

    def extend(self, rows: Sequence[Sequence[float]]) -> None:
        """Append rows, each with one value per column."""
        if not rows:
            return
        needed = self._rows + len(rows)
        if needed > self._room.shape[1]:
            larger = np.empty((len(self.columns), max(needed, 2 * self._room.shape[1])))
            larger[:, : self._rows] = self._room[:, : self._rows]
            self._room = larger
        self._room[:, self._rows : needed] = np.array(rows, dtype=np.float64).T
        self._rows = needed

    def add_column(self, name: str) -> None:
        """Add a column that is NaN in the existing rows."""
        self.columns.append(name)
        self._room = np.vstack([self._room, np.full(self._room.shape[1], np.nan)])

    def sort(self) -> None:
        """Sort the rows by attempt and ``seq``."""
        order = np.lexsort((self["seq"], self["attempt"]))
        self._room = self._room[:, : self._rows][
            :, order
        ]  # a caller that holds a column keeps it unchanged


class Points:
    """All numbers of one run, superseded ones included, in the order of (attempt, ``seq``)."""

    def __init__(self) -> None:
        self.attempts: list[str] = []
        self.steps = Table(PLACE + OF_STEPS)
        self.epochs = Table(PLACE + OF_EPOCHS)
        self.system = Table(PLACE + READINGS)
        self.free: dict[str, Table] = {}
        """Free metrics by name, each with its own rows."""
        self._spans: list[list[float]] = []
        """Time of the first and the last event of each attempt."""
        self._devices: list[str | None] = []
        """Device of each attempt, once reported."""

    @property
    def metrics(self) -> list[str]:
        """The metrics, by the task's names."""
        return self.epochs.columns[len(PLACE) + len(OF_EPOCHS) :]

    @property
    def seconds(self) -> float:
        """Total seconds from the start of each attempt to its last event; see ``History.seconds``."""
        return math.fsum(last - first for first, last in self._spans)

    @property
    def _tables(self) -> list[Table]:
        return [self.steps, self.epochs, self.system, *self.free.values()]

    def add(self, events: Iterable[AnyEvent]) -> None:
        """Add new events."""
        steps: list[Sequence[float]] = []
        system: list[Sequence[float]] = []
        attempt, number = "", 0
        for event in events:
            if event.attempt != attempt:
                # Rows carry the attempt's index, which a new attempt may change.
                self._flush(steps, system)
                attempt, number = event.attempt, self._number(event.attempt)
            place = (number, event.seq, event.time.timestamp())
            self._stretch(number, place[2])
            if isinstance(event, Step):
                steps.append((*place, *_of_step(event)))
            elif isinstance(event, System):
                system.append((*place, *_of_system(event)))
            elif isinstance(event, Epoch):
                self.epochs.extend([(*place, *self._of_epoch(event))])
            elif isinstance(event, FreeMetrics):
                for name, value in event.values.items():
                    table = self.free.setdefault(name, Table(PLACE + OF_FREE))
                    table.extend([(*place, event.step, value)])
            elif isinstance(event, RunStarted):
                self._stretch(number, began(event).timestamp())
                self._devices[number] = event.device_name
        self._flush(steps, system)

    def sort(self) -> None:
        """Sort the rows, after events came late."""
        for table in self._tables:
            table.sort()

    def counts(self, table: Table, counted: dict[str, float]) -> Bools:
        """Return ``(rows,)``: whether each row is part of the history; see ``History.counted``."""
        limits = np.array([counted.get(name, 0.0) for name in self.attempts] or [0.0])
        if np.isinf(limits).all():
            return np.ones(len(table), dtype=np.bool_)
        return np.asarray(table["seq"] <= limits[table["attempt"].astype(np.intp)])

    def paid(self, table: Table) -> Floats:
        """Return ``(rows,)``: seconds of all attempts up to each row, without the time between attempts."""
        return self._added_up(table, np.ones(max(1, len(self._spans))))

    def dollars(self, table: Table, limits: Limits) -> Floats | None:
        """Return ``(rows,)``: cost of all attempts up to each row, each at its own device's price.

        Returns:
            ``None`` if a price is not known, or the run is free.
        """
        prices = [limits.price_on(name) for name in self._devices or [None]]
        known = [price for price in prices if price is not None]
        return self._added_up(table, np.array(known)) / HOUR if len(known) == len(prices) else None

    def _added_up(self, table: Table, weights: Floats) -> Floats:
        """Return ``(rows,)``: seconds of all attempts up to each row, weighted by attempt."""
        spans = np.array(self._spans or [[0.0, 0.0]])
        lengths = (spans[:, 1] - spans[:, 0]) * weights
        before = np.cumsum(lengths) - lengths
        attempt = table["attempt"].astype(np.intp)
        here = (table["time"] - spans[attempt, 0]) * weights[attempt]
        return np.asarray(here + before[attempt])

    def _flush(self, steps: list[Sequence[float]], system: list[Sequence[float]]) -> None:
        self.steps.extend(steps)
        self.system.extend(system)
        steps.clear()
        system.clear()

    def _stretch(self, number: int, time: float) -> None:
        span = self._spans[number]
        if time > span[1]:
            span[1] = time
        if time < span[0]:
            span[0] = time

    def _number(self, attempt: str) -> int:
        at = bisect.bisect_left(self.attempts, attempt)
        if at < len(self.attempts) and self.attempts[at] == attempt:
            return at
        for table in self._tables:
            numbers = table["attempt"]
            numbers[numbers >= at] += 1
        self.attempts.insert(at, attempt)
        self._spans.insert(at, [math.inf, -math.inf])
        self._devices.insert(at, None)
        return at

    def _of_epoch(self, event: Epoch) -> list[float]:
        for name in event.metrics:
            if name not in self.metrics:
                self.epochs.add_column(name)
        measured = [event.metrics.get(name, math.nan) for name in self.metrics]
        return [*(getattr(event, name) for name in OF_EPOCHS), *measured]


def _of_step(event: Step) -> tuple[float, ...]:
    return (
        event.epoch - 1 + event.epoch_step / max(1, event.epoch_steps),
        event.step,
        event.loss,
        event.learning_rate,
        event.gradient_norm,
        event.frames_per_second,
    )


def _of_system(event: System) -> tuple[float, ...]:
    gpu = [event.gpu_percent, event.gpu_memory_mib]
    return event.cpu_percent, event.memory_mib, *(math.nan if g is None else g for g in gpu)
