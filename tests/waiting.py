"""Waits on conditions, with bounds that stretch as the machine slows down.

A bound is given in seconds of a quiet machine. While a test waits, the machine's slowness is measured
about once a second, and each second that passes counts for less the slower the machine is just then. Load
that begins in the middle of a wait therefore stretches that wait as well.
"""

import hashlib
import time
from collections.abc import Callable

SECONDS = 60.0
"""The usual bound: many times what anything in these tests takes on a quiet machine."""
LONG = 3600.0
"""For an interface that takes a number of seconds only: so many that no test waits them out.

A hang is then ended by the test's own time-out, which stretches too (see ``tests/conftest.py``).
"""
POLL_SECONDS = 0.02
LOOK_SECONDS = 1.0
QUIET_SECONDS = 0.008
"""What ``_work`` takes on the machine for which the bounds were chosen, with nothing beside it."""
BLOCK, ROUNDS = bytes(1 << 16), 180


def _work() -> None:
    for _ in range(ROUNDS):
        hashlib.sha256(BLOCK).digest()


def measure_slowness() -> float:
    """Return how many times longer work takes now than on a quiet machine, at least 1.

    A fixed piece of work is timed by the clock on the wall: a slow processor and one shared with others
    look the same. It is long enough to be interrupted where others compete for the processor.
    """
    began = time.perf_counter()
    _work()
    return max(1.0, (time.perf_counter() - began) / QUIET_SECONDS)


class QuietClock:
    """A clock that runs at the speed of the machine: in seconds that a quiet machine would have taken."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        measure: Callable[[], float] = measure_slowness,
    ) -> None:
        self._clock, self._measure = clock, measure
        self._looked, self._slowness = clock(), 1.0
        self._passed = 0.0

    def __call__(self) -> float:
        """Return the quiet seconds since this clock was made."""
        passed = self._clock() - self._looked
        if passed >= LOOK_SECONDS:
            now = self._measure()
            self._passed += passed / max(self._slowness, now)
            self._looked, self._slowness = self._clock(), now
            passed = 0.0
        return self._passed + passed / self._slowness


quiet_seconds = QuietClock()


class Bound:
    """A bound in quiet seconds, from now on."""

    def __init__(
        self, seconds: float = SECONDS, clock: Callable[[], float] = quiet_seconds
    ) -> None:
        self._clock, self._end = clock, clock() + seconds

    @property
    def is_over(self) -> bool:
        """Whether a quiet machine would have had that much time."""
        return self._clock() >= self._end


def comes_true(condition: Callable[[], object], seconds: float = SECONDS) -> bool:
    """Return whether a condition comes true within so many quiet seconds."""
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
    """Wait until a condition comes true; fail with ``problem()`` where it does not within the bound."""
    assert comes_true(condition, seconds), problem()
