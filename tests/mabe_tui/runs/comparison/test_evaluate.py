"""Evaluating checkpoints of a trained run on its validation videos."""

from pathlib import Path

import pytest

from core.inference import checkpoints
from core.tasks.loaded import LoadedCheckpoint
from mabe_tui.runs.comparison.evaluate import AT, compare_checkpoints, named_checkpoints
from mabe_tui.runs.store import RunStore
from tests.mabe_tui.tiny_run import synthetic_folder, train


def test_each_checkpoint_is_loaded_once_for_all_its_videos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(tmp_path / "home", synthetic_folder(tmp_path / "mice"))
    resolved = run.read_request().resolved
    assert resolved is not None
    assert len(resolved.validation_units) == 2
    loaded = []
    load = checkpoints.load_checkpoint

    def counting(path: Path) -> LoadedCheckpoint:
        loaded.append(path.name)
        return load(path)

    monkeypatch.setattr(checkpoints, "load_checkpoint", counting)
    names = [f"{run.id}{AT}epoch-1", f"{run.id}{AT}epoch-2"]
    store = RunStore(tmp_path / "home")
    compare_checkpoints(named_checkpoints(names, store))
    assert len(loaded) == len({*loaded}) == 2
    compare_checkpoints(named_checkpoints(names, store))
    assert len(loaded) == 2  # the answers were kept
