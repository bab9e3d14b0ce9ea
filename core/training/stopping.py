"""Why a job stops before it is done: a signal, a limit, or a newer attempt of the same run.

The trainer polls between optimiser steps. A signal handler only takes a note, so that nothing is ever
interrupted half way. This module is light: the handlers stand before torch is imported.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Literal

from core.run.history import History
from core.run.limits import Limits
from core.run.rundir import RunDir

NEWER_ATTEMPT_INTERVAL = 1.0
"""Seconds between two looks at the attempts folder."""


@dataclass(frozen=True, slots=True)
class StopReason:
    """Why to stop."""

    reason: Literal["user", "time_limit", "budget", "newer_attempt", "preempted"]
    signal: str = ""
    """The signal that brought the news, if one did."""

    @property
    def saves(self) -> bool:
        """Whether to leave a checkpoint: never when a newer attempt owns the folder."""
        return self.reason != "newer_attempt"


SIGNALS = {
    signal.SIGINT: StopReason("preempted", "SIGINT"),
    signal.SIGTERM: StopReason("user", "SIGTERM"),
    signal.SIGUSR1: StopReason("user", "SIGUSR1"),
}
"""A launcher that rents machines is told of a preemption by SIGINT; people send the other two."""


class StopWatch:
    """Called between steps: tells why to stop, or ``None``. Once it has told a reason it keeps to it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._reason: StopReason | None = None
        self._limits = Limits()
        self._earlier_seconds, self._earlier_usd = 0.0, 0.0
        self._device_name: str | None = None
        self._run_dir: RunDir | None = None
        self._attempt = ""
        self._looked_at_attempts = -float("inf")

    def install(self) -> None:
        """Listen to the signals of :data:`SIGNALS`, in place of Python's own handlers."""
        for number in SIGNALS:
            signal.signal(number, self._take_note)

    def watch(self, run_dir: RunDir, attempt: str, limits: Limits, earlier: History) -> None:
        """Keep to a run's limits, and give way to a newer attempt.

        Args:
            run_dir: the run's folder.
            attempt: the attempt of this job.
            limits: what the run may use over all its attempts.
            earlier: what earlier attempts said.
        """
        self._run_dir, self._attempt = run_dir, attempt
        self._limits, self._earlier_seconds = limits, earlier.seconds
        self._earlier_usd = limits.spent(earlier) or 0.0

    def found_device(self, name: str) -> None:
        """Count this attempt at the price of its device; until then, at the highest that it may have."""
        self._device_name = name

    @property
    def elapsed(self) -> float:
        """Seconds since this attempt began."""
        return self._clock() - self._started

    def __call__(self) -> StopReason | None:
        """Tell why to stop, or ``None`` to go on."""
        if self._reason is None:
            self._reason = self._limit_reached() or self._newer_attempt()
        return self._reason

    def _take_note(self, number: int, _frame: FrameType | None) -> None:
        if self._reason is None:
            self._reason = SIGNALS[signal.Signals(number)]

    def _limit_reached(self) -> StopReason | None:
        limits, total = self._limits, self._earlier_seconds + self.elapsed
        if limits.seconds is not None and total >= limits.seconds:
            return StopReason("time_limit")
        if limits.attempt_seconds is not None and self.elapsed >= limits.attempt_seconds:
            return StopReason("time_limit")
        spent = limits.cost_of(self.elapsed, self._device_name)
        spent = None if spent is None else self._earlier_usd + spent
        if limits.cost_usd is not None and spent is not None and spent >= limits.cost_usd:
            return StopReason("budget")
        return None

    def _newer_attempt(self) -> StopReason | None:
        now = self._clock()
        if self._run_dir is None or now - self._looked_at_attempts < NEWER_ATTEMPT_INTERVAL:
            return None
        self._looked_at_attempts = now
        newest = max(self._run_dir.attempts(), default=self._attempt)
        return StopReason("newer_attempt") if newest > self._attempt else None
