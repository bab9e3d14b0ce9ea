"""Fixtures every test may use."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real pose data and labels; tests skip, with the reason, where it is absent."""
    beside_checkout = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MABE_TEST_DATA") or beside_checkout)
    if not (folder / "ethome" / "train.csv").is_file():
        pytest.skip(
            f"real data not found at {folder}; set MABE_TEST_DATA to the folder that has it"
        )
    return folder


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the user of this computer has fetched and pinned out of every test, and tests out of it."""
    monkeypatch.setenv("MABE_STATE", str(tmp_path / "state"))


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Let each test, and what it starts, hear of Ctrl-C.

    Who runs in the background is set to ignore it, and a test before may have left a handler of its own.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
