"""A copy of the recorded store, with the environment set to use it."""

from pathlib import Path

import pytest

from tests.records.store import environment, unpack


@pytest.fixture
def store(tmp_path: Path, own_state: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Unpack the recorded store, and use its home, state and registry."""
    root = tmp_path.resolve() / "store"
    unpack(root)
    monkeypatch.delenv("MABE_CACHE", raising=False)
    monkeypatch.chdir(tmp_path)
    for name, value in environment(root).items():
        monkeypatch.setenv(name, value)
    return root
