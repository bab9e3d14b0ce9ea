"""The real job behind the command line: killed, stopped, resumed and finished, on synthetic data."""

import json
import os
import re
import signal
import sys
from pathlib import Path

import msgspec
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner, Result

from core import job
from core.errors import UserError
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.training.checkpoint import CheckpointStore
from core.training.identity import projected_history, weights_hash
from mabe_tui.cli.main import app
from mabe_tui.launch import local_launcher
from mabe_tui.runs.store import RunStore
from tests.gate import Gate
from tests.mabe_tui.tiny_run import TINY, synthetic_folder
from tests.waiting import wait_for

EPOCHS = 4
SMALL = (
    "hardware.device=cpu", "data.synthetic_videos=3", "data.synthetic_frames=200", "data.window=20",
    f"training.epochs={EPOCHS}", "training.batch_size=4", "training.warmup_epochs=2",
    "training.scheduler=plateau", "training.plateau_patience=0", "training.mixup_alpha=0.2",
    "training.augmentation.noise_std=0.01",
)  # fmt: skip
GATED_JOB = Path(__file__).parents[2] / "core" / "gated_job.py"


def mabe(*arguments: str) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None, result.output
    return result


def status() -> dict[str, object]:
    told: dict[str, object] = json.loads(mabe("status", "--json").stdout)
    return told


def wait_for_epoch(run: RunDir, epoch: int) -> None:
    """Wait until an epoch has ended and is saved."""

    def there_or_dead() -> bool:
        last = run.read_pointer("last")
        there = last is not None and last.epoch >= epoch
        return there or status()["state"] in ("failed", "lost")

    wait_for(there_or_dead)
    assert len(run.history().epochs) == epoch, status()


def undisturbed(home: Path, request: RunRequest) -> RunDir:
    """Train the same in this process, from beginning to end."""
    run = RunDir(home / "runs" / f"{request.run[:-4]}same")
    run.write_request(msgspec.structs.replace(request, run=run.id, resolved=None))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    assert job.main([str(run.path)]) == 0
    torch.set_num_threads(threads)
    return run


def last_weights(run: RunDir) -> str:
    checkpoint = CheckpointStore(run).load("last")
    assert checkpoint is not None
    return weights_hash(checkpoint.content["model"])


@pytest.mark.slow
def test_killed_stopped_and_resumed_it_ends_as_if_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MABE_HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(local_launcher, "JOB_COMMAND", (sys.executable, str(GATED_JOB)))
    gate.hold_after(1)
    # the limit is for a job that a failing test leaves behind
    settings = [word for setting in SMALL for word in ("--set", setting)]
    mabe("run", "v1", "-d", "--max-time", "30m", *settings)
    (entry,) = RunStore(tmp_path).entries()
    run = entry.run
    wait_for_epoch(run, 1)
    handle = run.read_handle()
    assert handle is not None
    os.kill(int(handle.reference["pid"]), signal.SIGKILL)
    wait_for(lambda: status()["state"] == "lost")

    gate.hold_after(2)
    mabe("resume", "-d")
    wait_for_epoch(run, 2)
    mabe("stop", "last")
    told = status()
    assert (told["state"], told["ended_because"], told["attempts"]) == ("stopped", "user", 2)

    gate.open()
    mabe("resume", "-d")
    wait_for(lambda: status()["state"] not in ("queued", "running"))
    assert status()["state"] == "finished"
    assert len(run.history().epochs) == EPOCHS
    whole = undisturbed(tmp_path, run.read_request())
    assert projected_history(run.history()) == projected_history(whole.history())
    assert last_weights(run) == last_weights(whole)


def test_actions_that_no_map_knows_are_refused_and_can_be_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `mabe run v7 --data` does with another group's data, whose actions have names of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MABE_HOME", str(tmp_path))
    data = synthetic_folder(tmp_path / "data")
    for path in (data / "train_annotation").rglob("*.parquet"):
        pd.read_parquet(path).assign(action="interact").to_parquet(path)
    command = ["run", "v6", "--on", "local", "--data", str(data), "--preset", "demo"]
    command += [word for setting in TINY for word in ("--set", setting)]
    refused = CliRunner().invoke(app, command)
    assert isinstance(refused.exception, UserError)
    assert not RunStore(tmp_path).entries()  # before anything is started
    line = str(refused.exception)
    assert "every frame of the 2 training videos is 'other', so there is nothing to learn" in line
    assert "the action map does not name interact (" in line
    (setting,) = re.findall(r"`(--set actions\.interact)=CLASS`", line)
    mapped = CliRunner().invoke(app, [*command, *f"{setting}=social".split()])
    assert mapped.exit_code == 0, mapped.stderr
