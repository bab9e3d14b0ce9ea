"""Old checkpoints predict and resume, and versions train, to exactly the recorded numbers."""

import json
import shutil
from pathlib import Path

import pytest

from core import job
from core.run.rundir import RunDir
from tests.records import fingerprints
from tests.records.plan import RESUMED, RUNS
from tests.records.store import ABOUT, FINGERPRINTS, NAMES

RECORDED = json.loads(FINGERPRINTS.read_text())
IDS = json.loads(NAMES.read_text())


def run_of(store: Path, name: str) -> RunDir:
    return RunDir(store / "home" / "runs" / IDS[name])


@pytest.fixture
def same_machine() -> None:
    """Skip on machines that compute sums in another order than the recording machine."""
    about = json.loads(ABOUT.read_text())
    for what, now in fingerprints.machine().items():
        if about[what] != now:
            pytest.skip(
                f"recorded with {what} {about[what]}, here it is {now}: last digits may differ"
            )


@pytest.mark.parametrize("name", RUNS)
def test_trains_to_the_same_weights_and_history(name: str, store: Path, same_machine: None) -> None:
    cached = sorted((store / "home" / "cache").rglob("*.npy"))
    again = fingerprints.train_again(run_of(store, name))
    assert fingerprints.of_run(again) == RECORDED["runs"][name]
    if RUNS[name][0] in ("v1", "v2", "v3", "v4", "v7"):  # whose prepared data are in the record
        assert sorted((store / "home" / "cache").rglob("*.npy")) == cached


@pytest.mark.parametrize("name", RECORDED["predictions"])
def test_a_recorded_checkpoint_predicts_the_same(
    name: str, store: Path, same_machine: None
) -> None:
    run, _, checkpoint = name.rpartition(" ")
    found = fingerprints.of_prediction(store, IDS[run], checkpoint)
    assert found == RECORDED["predictions"][name]


def test_a_recorded_checkpoint_is_resumed_to_the_same_weights(
    store: Path, same_machine: None
) -> None:
    run = run_of(store, RESUMED)
    first, second = run.attempts()
    shutil.rmtree(run.attempt_folder(second))
    (run.path / "handle.toml").unlink()
    for pointer in run.checkpoints.glob("*.json"):
        if pointer.name != "epoch-0001.json":
            pointer.unlink()
    shutil.copy(run.checkpoints / "epoch-0001.json", run.checkpoints / "last.json")
    shutil.copy(run.checkpoints / "epoch-0001.json", run.checkpoints / "best.json")
    with fingerprints.one_thread():
        assert job.main([str(run.path)]) == 0
    assert run.history().attempts[0] == first
    assert fingerprints.of_run(run) == RECORDED["runs"][RESUMED]


@pytest.mark.parametrize("name", [*RUNS, RESUMED])
def test_recorded_events_fold_into_the_same_history(name: str, store: Path) -> None:
    history_hash = fingerprints.history_hash(run_of(store, name).history())
    assert history_hash == RECORDED["runs"][name]["history_hash"]


def test_weights_are_named_and_shaped_as_recorded() -> None:
    for name, found in fingerprints.of_architectures().items():
        assert found["weights"] == RECORDED["architectures"][name]["weights"], name


def test_weights_begin_as_recorded(same_machine: None) -> None:
    hashes = {n: found["weights_hash"] for n, found in fingerprints.of_architectures().items()}
    assert hashes == {n: each["weights_hash"] for n, each in RECORDED["architectures"].items()}
