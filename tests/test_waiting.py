"""Waits stretch on a busy machine, and signals have their default handlers."""

import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import pytest_timeout

from tests import conftest, waiting
from tests.dispositions import as_from_a_terminal
from tests.waiting import Bound, QuietClock, comes_true, measure_slowness, wait_for


class Machine:
    """A machine with time and load set by the test."""

    def __init__(self) -> None:
        self.now, self.slowness = 100.0, 1.0
        self.clock = QuietClock(lambda: self.now, lambda: self.slowness)

    def spend(self, seconds: int) -> float:
        for _ in range(seconds):
            self.now += 1
            self.clock()
        return self.clock()


def test_quiet_seconds_pass_as_slowly_as_work_does() -> None:
    machine = Machine()
    assert machine.spend(10) == pytest.approx(10)
    machine.slowness = 5.0
    assert machine.spend(10) == pytest.approx(12)
    machine.slowness = 1.0
    assert machine.spend(1) == pytest.approx(12.2)  # it was slow a second ago
    assert machine.spend(10) == pytest.approx(22.2)


def test_load_that_begins_later_stretches_a_bound() -> None:
    machine = Machine()
    bound = Bound(15, machine.clock)
    machine.spend(10)
    machine.slowness = 10.0
    machine.spend(49)
    assert not bound.is_over
    machine.spend(2)
    assert bound.is_over


def test_waiting_ends_with_the_condition_or_the_bound() -> None:
    answers = iter([False, False, True])
    wait_for(lambda: next(answers))
    assert not comes_true(lambda: False, 0.01)
    with pytest.raises(AssertionError, match="the door is shut"):
        wait_for(lambda: False, 0.01, lambda: "the door is shut")
    assert measure_slowness() >= 1


LISTEN = "import signal; print(*[signal.getsignal(n).name for n in map(int, {numbers!r}.split())])"


def test_what_a_test_starts_hears_signals_that_were_ignored() -> None:
    """As under ``nohup``, which ignores SIGHUP, or in the background of a shell without job control."""
    numbers = [signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM]
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    command = LISTEN.format(numbers=" ".join(str(int(number)) for number in numbers))
    try:
        with as_from_a_terminal():
            heard = subprocess.check_output([sys.executable, "-S", "-c", command], text=True)
        assert heard.split() == ["SIG_DFL"] * 3
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


class HungError(Exception):
    """The handler that ends a hung test here."""


def test_a_hung_test_is_ended_once_a_quiet_machine_would_have_had_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def end(*_: object) -> None:
        raise HungError

    settings = SimpleNamespace(method="signal", timeout=0.05)
    monkeypatch.setattr(pytest_timeout, "timeout_sigalrm", end)
    own = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    item = SimpleNamespace()
    try:
        monkeypatch.setattr(waiting.quiet_seconds, "_slowness", 1e6)
        monkeypatch.setattr(waiting.quiet_seconds, "_measure", lambda: 1e6)
        conftest.pytest_timeout_set_timer(item, settings)  # type: ignore[arg-type]  # all that it reads
        time.sleep(0.2)
        monkeypatch.undo()
        monkeypatch.setattr(pytest_timeout, "timeout_sigalrm", end)
        with pytest.raises(HungError):
            time.sleep(60)
        item.cancel_timeout()
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    finally:
        signal.signal(signal.SIGALRM, own[0])
        signal.setitimer(signal.ITIMER_REAL, *own[1])
