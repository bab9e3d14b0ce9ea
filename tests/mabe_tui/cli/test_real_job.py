"""The real job behind the command line: killed, resumed, finished, on data of its own making."""

import json
import os
import re
import signal
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from core.errors import UserError
from mabe_tui.cli.main import app
from mabe_tui.runs.store import RunStore
from tests.mabe_tui.tiny_run import TINY, synthetic_folder
from tests.waiting import wait_for

SMALL = [
    "data.synthetic_videos=3", "data.synthetic_frames=200", "data.window=20",
    "training.epochs=100000", "training.batch_size=4",
]  # fmt: skip


@pytest.mark.slow
def test_killed_job_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MABE_HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def mabe(*arguments: str) -> Result:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exception is None, result.output
        return result

    def status() -> dict[str, object]:
        told: dict[str, object] = json.loads(mabe("status", "--json").stdout)
        return told

    def wait_for_epoch(epoch: int) -> None:
        def there_or_dead() -> bool:
            told = status()
            return len(run.history().epochs) >= epoch or told["state"] in ("failed", "lost")

        wait_for(there_or_dead)
        assert len(run.history().epochs) >= epoch, status()

    # the limit is for a job that a failing test leaves behind
    mabe(
        "run",
        "v1",
        "-d",
        "--max-time",
        "3m",
        *(word for setting in SMALL for word in ("--set", setting)),
    )
    (entry,) = RunStore(tmp_path).entries()
    run = entry.run
    wait_for_epoch(2)
    handle = run.read_handle()
    assert handle is not None
    os.kill(int(handle.reference["pid"]), signal.SIGKILL)
    wait_for(lambda: status()["state"] == "lost")
    before = run.read_pointer("last")
    assert before is not None

    mabe("resume", "-d")
    wait_for_epoch(len(run.history().epochs) + 1)  # more than the killed attempt had said
    mabe("stop", "last")
    told = status()
    assert (told["state"], told["ended_because"], told["attempts"]) == ("stopped", "user", 2)
    epochs = [event.epoch for event in run.history().epochs]
    assert epochs == list(range(1, len(epochs) + 1))
    assert len(epochs) > before.epoch


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
