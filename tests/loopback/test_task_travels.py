"""A task beside the registry is trained in a container, which has only the files that were sent along.

A second run starts from the first, whose checkpoint is on the volume only.
"""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from core.run.events import DataReady, Finished
from core.run.rundir import RunDir
from tests.loopback.server import LoopbackServer
from tests.toy import write_module

COMMAND = ["run", "p1", "--on", "modal", "--set", "hardware.gpu=T4", "--set", "training.epochs=2"]


def test_the_module_of_a_task_travels_with_the_source(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "overlay", {})  # the real job
    write_module(tmp_path, "travels")
    spec = tmp_path / "travels" / "__init__.py"
    spec.write_text(
        spec.read_text().replace(
            "build=", 'requirements=("pillow",), system_packages=("libgomp1",), build='
        )
    )

    def trained(*options: str) -> RunDir:
        done = subprocess.run(
            [sys.executable, "-c", "from mabe_tui.cli.main import run; run()", *COMMAND, *options],
            env=os.environ | server.client_environment() | {"MABE_HOME": str(tmp_path / "home")},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        run = RunDir(tmp_path / "home" / "runs" / done.stdout.splitlines()[0].strip())
        assert run.history().last(Finished) is not None
        return run

    run = trained()
    history = run.history()
    ready = history.last(DataReady)
    assert ready is not None
    assert ready.unit == "scene"
    commands = " ".join(line for lines in server.cloud.images.values() for line in lines)
    assert " pillow" in commands
    assert "apt-get install -y libgomp1" in commands
    assert not list(run.checkpoints.glob("*.pt"))
    warm = trained("--set", f"training.start_from={run.id}")
    assert tomllib.loads((warm.path / "run.toml").read_text())["start"]["run"] == run.id
    first, second = (each.history().epochs[0].train_loss for each in (run, warm))
    assert second < first
    # A run on this computer alone is sent.
    here = trained("--on", "local")
    sent = trained("--set", f"training.start_from={here.id}")
    assert [*(server.root / "volumes").rglob(f"{here.id}/run.toml")]
    assert sent.history().epochs[0].train_loss < first
