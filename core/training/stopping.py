"""Reasons for a job to stop early: a signal, a limit, or a newer attempt of the same run.

The trainer polls between optimiser steps. A signal handler only sets a flag, so that nothing is ever
interrupted midway. This module imports little: the handlers are installed before torch is imported.
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
"""Seconds between two checks of the attempts folder."""


@dataclass(frozen=True, slots=True)
class StopReason:
    """Reason to stop."""

    reason: Literal["user", "time_limit", "budget", "newer_attempt", "preempted"]
    signal: str = ""
    """Name of the signal that caused the stop, if any."""

    @property
    def saves(self) -> bool:
        """Whether to save a checkpoint: never if a newer attempt owns the folder."""
        return self.reason != "newer_attempt"


SIGNALS = {
    signal.SIGINT: StopReason("preempted", "SIGINT"),
    signal.SIGTERM: StopReason("user", "SIGTERM"),
    signal.SIGUSR1: StopReason("user", "SIGUSR1"),
}
"""A launcher that rents machines announces a preemption by SIGINT; the other two come from users."""


class StopWatch:
    """Called between steps; returns the reason to stop, or ``None``. A reason once returned never changes."""

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
        """Handle the signals of :data:`SIGNALS`, replacing Python's own handlers."""
        for number in SIGNALS:
            signal.signal(number, self._record_signal)

    def watch(self, run_dir: RunDir, attempt: str, limits: Limits, earlier: History) -> None:
        """Watch a run's limits, and stop for a newer attempt.

        Args:
            run_dir: the run's folder.
            attempt: this job's attempt.
            limits: limits of the run over all its attempts.
            earlier: history of earlier attempts.
        """
        self._run_dir, self._attempt = run_dir, attempt
        self._limits, self._earlier_seconds = limits, earlier.seconds
        self._earlier_usd = limits.spent(earlier) or 0.0

    def found_device(self, name: str) -> None:
        """Charge this attempt at the price of its device; until then, the maximum price applies."""
        self._device_name = name

    @property
    def elapsed(self) -> float:
        """Seconds since this attempt began."""
        return self._clock() - self._started

    def __call__(self) -> StopReason | None:
        """Return the reason to stop, or ``None`` to continue."""
        if self._reason is None:
            self._reason = self._limit_reached() or self._newer_attempt()
        return self._reason

    def _record_signal(self, number: int, _frame: FrameType | None) -> None:
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
