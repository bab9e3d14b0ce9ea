"""Wait for conditions, with time limits that stretch as the machine slows down.

Limits are in seconds on an idle machine. During a wait, the slowness of the machine is measured about once
a second, and each elapsed second counts for less the slower the machine is at that moment, so load that
begins in the middle of a wait stretches that wait as well.
"""

import hashlib
import time
from collections.abc import Callable

SECONDS = 60.0
"""The default limit: many times what anything in these tests takes on an idle machine."""
LONG = 3600.0
"""For interfaces that take a fixed number of seconds: more than any test waits.

A hang is then ended by the test's own time-out, which stretches too (see ``tests/conftest.py``).
"""
POLL_SECONDS = 0.02
LOOK_SECONDS = 1.0
QUIET_SECONDS = 0.008
"""Seconds that ``_work`` takes on the reference machine, when idle."""
BLOCK, ROUNDS = bytes(1 << 16), 180


def _work() -> None:
    for _ in range(ROUNDS):
        hashlib.sha256(BLOCK).digest()


def measure_slowness() -> float:
    """Return how many times longer work takes now than on an idle machine, at least 1.

    A fixed piece of work is timed by wall clock, so a slow processor and a shared one look the same. It is
    long enough to be interrupted when other processes compete for the processor.
    """
    began = time.perf_counter()
    _work()
    return max(1.0, (time.perf_counter() - began) / QUIET_SECONDS)


class QuietClock:
    """A clock in seconds of an idle machine, which slows down with the machine."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        measure: Callable[[], float] = measure_slowness,
    ) -> None:
        self._clock, self._measure = clock, measure
        self._looked, self._slowness = clock(), 1.0
        self._passed = 0.0

    def __call__(self) -> float:
        """Return the idle-machine seconds since this clock was created."""
        passed = self._clock() - self._looked
        if passed >= LOOK_SECONDS:
            now = self._measure()
            self._passed += passed / max(self._slowness, now)
            self._looked, self._slowness = self._clock(), now
            passed = 0.0
        return self._passed + passed / self._slowness


quiet_seconds = QuietClock()


class Bound:
    """A time limit in idle-machine seconds, starting now."""

    def __init__(
        self, seconds: float = SECONDS, clock: Callable[[], float] = quiet_seconds
    ) -> None:
        self._clock, self._end = clock, clock() + seconds

    @property
    def is_over(self) -> bool:
        """Whether the limit has been reached."""
        return self._clock() >= self._end


def comes_true(condition: Callable[[], object], seconds: float = SECONDS) -> bool:
    """Return whether a condition becomes true within the given idle-machine seconds."""
    bound = Bound(seconds)
    while not condition():
        if bound.is_over:
            return bool(condition())
        time.sleep(POLL_SECONDS)
    return True


def wait_for(
    condition: Callable[[], object],
    seconds: float = SECONDS,
    problem: Callable[[], str] = lambda: "it did not come true in time",
) -> None:
    """Wait until a condition is true; fail with ``problem()`` if it is not within the limit."""
    assert comes_true(condition, seconds), problem()
