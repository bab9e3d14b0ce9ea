"""``mabe predict`` and ``mabe eval`` for a task that mabe knows nothing of."""

import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.csv as pcsv
import pytest

from core import job
from core.config import registry
from core.ensembles.members import input_of
from core.errors import CheckpointError, MisuseError, UserError
from core.evaluation.table import read_rows
from core.run.events import Finished
from core.run.rundir import RunDir
from tests.command_line import mabe
from tests.toy import new_run, write_registry
from tests.toy.task import PairsTask


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hold two trained seeds of the pairs, an ensemble of them, and the validation pairs as data."""
    home = tmp_path_factory.mktemp("pairs")
    write_registry(home)
    runs = [
        new_run(home / "runs" / f"p1-20260101T00000{seed}-s00{seed}", seed=seed) for seed in (1, 2)
    ]
    for run in runs:
        assert job.main([str(run.path)]) == 0
    request = runs[0].read_request()
    RunDir(home / "runs" / "both-20260101T000003-both").write_request(
        msgspec.structs.replace(
            request, run="both-20260101T000003-both", inputs=tuple(map(input_of, runs))
        )
    )
    import torch

    task = PairsTask(request.experiment, torch.device("cpu"), 1)  # type: ignore[arg-type]
    batch, names = task._validation, np.array(task.summary.validation_units)
    (home / "data").mkdir()
    first, second = (each.numpy() for each in batch.inputs)
    np.savez(
        home / "data" / "pairs.npz",
        first=first, second=second, brightness=batch.targets.numpy(), scene=names[batch.scenes.numpy()],
    )  # fmt: skip
    return home


@pytest.fixture(autouse=True)
def place(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MABE_HOME", str(home))
    monkeypatch.setenv("MABE_REGISTRY", str(home / registry.FILE_NAME))


def predicted(home: Path, *runs: str) -> np.ndarray:
    answer = mabe(
        "predict", *runs, "--data", str(home / "data"), "-o", "out.csv", "--force", "--json"
    )
    assert json.loads(answer.stdout) == {"path": "out.csv", "pairs": 16, "bad": {}}
    return pcsv.read_csv("out.csv")["brightness"].to_numpy()


def test_several_runs_and_an_ensemble_of_them_predict_their_mean(home: Path) -> None:
    one, other = predicted(home, "s001"), predicted(home, "s002")
    assert not np.allclose(one, other)
    for runs in (["s001", "s002"], ["both"]):
        np.testing.assert_allclose(predicted(home, *runs), (one + other) / 2, atol=1e-6)
    np.testing.assert_allclose(predicted(home, "s001", "s001"), one, atol=1e-6)


def test_an_ensemble_predicts_with_the_checkpoints_it_was_made_of(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CheckpointError, match="has no checkpoint 'epoch-0001'"):
        predict = ("predict", "both", "--data", str(home / "data"), "-o", "out.csv")
        mabe(*predict, "--checkpoint", "epoch-1")
    shutil.copytree(home / "runs", tmp_path / "runs")
    monkeypatch.setenv("MABE_HOME", str(tmp_path))
    (member,) = (tmp_path / "runs").glob("p1-*s002")
    used = (
        member / "checkpoints" / json.loads((member / "checkpoints/best.json").read_text())["file"]
    )
    used.write_bytes(used.read_bytes()[:-1] + b"x")
    with pytest.raises(CheckpointError, match="damaged"):
        mabe(*predict)


def test_eval_on_the_validation_data_is_what_training_measured(home: Path) -> None:
    evaluated = mabe("eval", "s001", "--data", str(home / "data"), "-o", "counts.parquet", "--json")
    report = json.loads(evaluated.stdout)
    (run,) = (home / "runs").glob("*s001")
    finished = RunDir(run).history().last(Finished)
    assert finished is not None
    assert report["metrics"]["mae"] == pytest.approx(finished.best_metric)
    assert (report["videos"], report["frames"], report["validated_on"]) == (2, 16, 2)
    assert (report["trained_on"], report["unit"], report["example"]) == (0, "scene", "pair")
    ours, kept = read_rows(Path("counts.parquet")), read_rows(RunDir(run).evaluation_table)
    np.testing.assert_allclose(ours.reordered(kept.units).counts, kept.counts, rtol=1e-6)
    words = mabe("eval", "s001", "--data", str(home / "data"))
    assert "on 2 scenes of" in words.stderr
    assert "its best epoch was chosen on 2 of these 2 scenes" in words.stderr
    assert "mae" in words.stdout


def test_options_and_suffixes_that_mean_nothing_to_the_task_are_refused(home: Path) -> None:
    data = ("--data", str(home / "data"))
    with pytest.raises(MisuseError, match="--merge-gap does not apply to the task 'pairs'"):
        mabe("predict", "s001", *data, "-o", "out.csv", "--merge-gap", "2")
    with pytest.raises(UserError, match=r"end the name in \.csv"):
        mabe("predict", "s001", *data, "-o", "out.parquet")
    with pytest.raises(MisuseError, match="--skip-bad does not apply"):
        mabe("eval", "s001", *data, "--skip-bad")
