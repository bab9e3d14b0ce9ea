"""Fixtures for all tests."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_timeout
from hypothesis import settings

from tests.dispositions import as_from_a_terminal
from tests.gate import Gate
from tests.waiting import Bound

SECONDS_BETWEEN_LOOKS = 5.0
"""Seconds between checks of a test's time-out; load in between counts as at either end."""

# A slow example means that the machine is busy, not that the code is wrong.
settings.register_profile("mabe", deadline=None)
settings.load_profile("mabe")


GARBAGE_THRESHOLDS = (20_000, 20, 50)
"""With Python's defaults (700, 10, 10), a dashboard test spends a quarter of its time collecting garbage."""


def pytest_collection_finish() -> None:
    """Collect garbage rarely, and exclude what has been imported by now, which is slow to scan."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def pytest_sessionfinish() -> None:
    """Leave nothing for pytest to collect: it runs five collections where one finds everything."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real pose data and labels; tests are skipped, with the reason, if it is absent."""
    beside_checkout = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MABE_TEST_DATA") or beside_checkout)
    if not (folder / "ethome" / "train.csv").is_file():
        pytest.skip(
            f"real data not found at {folder}; set MABE_TEST_DATA to the folder that has it"
        )
    return folder


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Isolate tests from the user's downloaded prices and pinned versions, and the other way round."""
    monkeypatch.setenv("MABE_STATE", str(tmp_path / "state"))


@pytest.fixture(autouse=True)
def one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepare data in the test's own process unless the test requests workers, which are slow to start."""
    monkeypatch.setattr("core.data.workers.processors", lambda: 1)


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Reset signal handling, so that each test and its children receive every signal as in a terminal."""
    with as_from_a_terminal():
        yield


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """A gate that holds fake jobs from the middle of their first epoch on."""
    gate = Gate(tmp_path / "gate", monkeypatch)
    gate.hold_after(0)
    yield gate
    gate.open()


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: pytest_timeout.Settings) -> bool | None:
    """Stretch a test's time-out by the slowness of the machine, like its waits (``tests.waiting``)."""
    if settings.method != "signal":
        return None
    bound = Bound(settings.timeout)

    def look(*_: object) -> None:
        if bound.is_over:
            pytest_timeout.timeout_sigalrm(item, settings)

    def cancel() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    item.cancel_timeout = cancel  # type: ignore[attr-defined]  # where pytest-timeout looks it up
    signal.signal(signal.SIGALRM, look)
    pause = min(settings.timeout, SECONDS_BETWEEN_LOOKS)
    signal.setitimer(signal.ITIMER_REAL, pause, pause)
    return True
