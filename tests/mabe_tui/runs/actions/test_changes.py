"""Changes reported by a resume before it continues."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from core.data.prepared import prepare
from core.data.synthetic import SyntheticSettings, synthesise
from core.errors import DataError
from core.run.code_version import code_version
from core.run.places import cache_of_run
from core.run.records import Pointer
from core.run.request import Resolved, RunRequest
from core.run.rundir import RunDir
from mabe_tui.runs.actions.changes import changes_since


@pytest.fixture
def resumable(make_run: Callable[..., RunDir], tmp_path: Path) -> tuple[RunDir, RunRequest, Path]:
    """A run with a checkpoint, on prepared data."""
    data, run = tmp_path / "data", make_run()
    synthesise(data, SyntheticSettings(videos=2, frames=120), workers=1)
    settings = run.read_request().experiment.data
    prepared = prepare(data, cache_of_run(run.path), settings.keypoints, settings.mice, workers=1)
    resolved = Resolved(
        code_version=code_version(), data_fingerprint=prepared.fingerprint, train_units=(),
        validation_units=(), torch="2", threads=1, device="cpu",
    )  # fmt: skip
    run.write_pointer(
        "last", Pointer(file="f", sha256="s", bytes=1, epoch=1, step=1, attempt="0001-aaaa", seq=3)
    )
    request = msgspec.structs.replace(run.read_request(), data=str(data), resolved=resolved)
    return run, request, data


def test_nothing_changed(resumable: tuple[RunDir, RunRequest, Path]) -> None:
    run, request, _ = resumable
    assert list(changes_since(run, request)) == []


def test_touched_data(resumable: tuple[RunDir, RunRequest, Path]) -> None:
    run, request, data = resumable
    os.utime(next((data / "train_tracking").rglob("*.parquet")), ns=(1, 1))
    (change,) = changes_since(run, request)
    assert change.startswith(f"the files in {data} changed since")


def test_data_that_are_gone(resumable: tuple[RunDir, RunRequest, Path]) -> None:
    run, request, data = resumable
    for name in ("train.csv", "synthetic.json"):
        (data / name).unlink()
    words = f"{data}: has no train.csv; `mabe resume {run.id} --data DIR` names where they are now"
    for found in (request.resolved, None):  # also before it had read them
        with pytest.raises(DataError, match=words):
            list(changes_since(run, msgspec.structs.replace(request, resolved=found)))


def test_data_that_were_moved(resumable: tuple[RunDir, RunRequest, Path], tmp_path: Path) -> None:
    run, request, data = resumable
    elsewhere = data.rename(tmp_path / "renamed")
    moved = msgspec.structs.replace(request, data=str(elsewhere))
    assert list(changes_since(run, moved)) == []
    synthesise(tmp_path / "other", SyntheticSettings(videos=2, frames=90), workers=1)
    (change,) = changes_since(run, msgspec.structs.replace(request, data=str(tmp_path / "other")))
    assert change.startswith(f"the files in {tmp_path / 'other'} changed since")


def test_code_and_checkpoint(resumable: tuple[RunDir, RunRequest, Path]) -> None:
    run, request, _ = resumable
    assert request.resolved is not None
    older = msgspec.structs.replace(request.resolved, code_version="older")
    (run.checkpoints / "last.json").unlink()
    checkpoint, code = changes_since(run, msgspec.structs.replace(request, resolved=older))
    assert "starts again from the beginning" in checkpoint
    assert "the code changed since" in code
