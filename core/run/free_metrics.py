"""Metrics of your own, from a task or from any code inside a job: :func:`log_metrics`."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, SupportsFloat

SECONDS = 1.0
"""Shortest time between two events with free metrics; in between, the latest value of each name stays."""
MOST_NAMES = 1000
LONGEST_NAME = 100
RESERVED = frozenset(
    {
        *("loss", "train_loss", "validation_loss", "learning_rate", "gradient_norm"),
        *("frames_per_second", "seconds", "epoch", "step", "time", "dollars"),
        *("system", "use", "memory", "free"),
        *("cpu_percent", "memory_mib", "gpu_percent", "gpu_memory_mib"),
    }
)
"""Names that curves, groups of curves and axes have already."""


class Reporter(Protocol):
    """What takes free metrics: the emitter of an attempt."""

    def report(self, values: Mapping[str, float], step: int | None) -> None:
        """Record values at a step; ``None``: the current one."""
        ...


_reporter: Reporter | None = None


def log_metrics(values: Mapping[str, SupportsFloat], step: int | None = None) -> None:
    """Record metrics of your own; ``mabe curves``, the dashboard and exports have them like any other.

    Call it as often as you like: at most one event a second is written, with the latest value of each name,
    and whatever waits is written before an epoch ends. NaN and infinities are kept and shown. Outside a
    job, and in a process that only helps to compute a batch, it does nothing.

    Args:
        values: name → number, or a tensor or array of one element. Names with a slash, such as
            ``norm/encoder`` and ``norm/head``, share a chart called ``norm``.
        step: optimiser steps since the start of the run; by default, as many as there have been.

    Raises:
        ValueError: a name is empty, too long, not printable, has a comma, a plus or white space, or is that
            of a curve of mabe's own; or there are more than a thousand names.
        TypeError: a value is not a number.
    """
    if _reporter is not None:
        _reporter.report({_checked(name): float(value) for name, value in values.items()}, step)


@contextmanager
def reporting_to(reporter: Reporter) -> Iterator[None]:
    """Let :func:`log_metrics` report to an attempt, in all threads of this process."""
    global _reporter
    before, _reporter = _reporter, reporter
    try:
        yield
    finally:
        _reporter = before


def _checked(name: str) -> str:
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or {*name} & {*",+ "}:
        raise ValueError(
            f"metric {name!r}: a name has 1 to {LONGEST_NAME} printable characters, no space, comma or plus"
        )
    if name in RESERVED:
        raise ValueError(
            f"metric {name!r}: this is the name of a curve, a group or an axis; choose another"
        )
    return name


class WaitingMetrics:
    """Values that wait to be written, so that a fast loop does not write an event each time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due = -math.inf
        self._waiting: dict[str, tuple[int, float]] = {}
        self._names: set[str] = set()

    def add(self, values: Mapping[str, float], step: int) -> None:
        """Add values; a later one of the same name replaces one that still waits.

        Raises:
            ValueError: there are too many names.
        """
        if len(self._names | values.keys()) > MOST_NAMES:
            raise ValueError(f"more than {MOST_NAMES} names of metrics in one attempt")
        self._names |= values.keys()
        self._waiting |= {name: (step, value) for name, value in values.items()}

    @property
    def is_due(self) -> bool:
        """Whether values wait, and the last were written long enough ago."""
        return bool(self._waiting) and self._clock() >= self._due

    def take(self) -> list[tuple[int, dict[str, float]]]:
        """Return the values that wait, by ascending step; they no longer wait."""
        by_step: dict[int, dict[str, float]] = {}
        for name, (step, value) in self._waiting.items():
            by_step.setdefault(step, {})[name] = value
        self._waiting.clear()
        self._due = self._clock() + SECONDS
        return sorted(by_step.items())
