from pathlib import Path

import pytest

from core.run.places import cache_of_run


def test_a_runs_cache_lies_beside_the_runs_unless_stated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "runs" / "v1-20261121T031500-k3f9"
    monkeypatch.delenv("MABE_CACHE", raising=False)
    assert cache_of_run(run) == tmp_path / "cache"
    monkeypatch.setenv("MABE_CACHE", str(tmp_path / "elsewhere"))
    assert cache_of_run(run) == tmp_path / "elsewhere"


def test_a_run_that_lies_elsewhere_uses_the_cache_of_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MABE_CACHE", raising=False)
    monkeypatch.setenv("MABE_HOME", str(tmp_path / "home"))
    assert cache_of_run(tmp_path / "fetched") == tmp_path / "home" / "cache"
