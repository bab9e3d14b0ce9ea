"""The whole chain with the real job: after any fault it ends exactly as an undisturbed run."""

import hashlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.run.rundir import RunDir
from core.training.checkpoint import CheckpointStore
from core.training.identity import projected_history, weights_hash
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.modal_launcher import ModalLauncher
from tests.gate import Gate
from tests.loopback.helpers import assert_complete, killed_at_the_end
from tests.loopback.server import LoopbackServer
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
EPOCHS = 10
ATTEMPT = "mabe_tui/launch/modal_attempt.py"
"""What starts the job in a container."""
SETTINGS = {
    "hardware.device": "cpu",
    "hardware.gpu": "T4",
    "data.window": 40,
    "data.stride": 20,
    "data.synthetic_videos": 3,
    "data.synthetic_frames": 400,
    "model.name": "conv_bilstm",
    "model.hidden_size": 8,
    "model.channels": "[8, 8]",
    "training.epochs": EPOCHS,
    "training.batch_size": 4,
    "training.learning_rate": 3e-3,
    "training.warmup_epochs": 2,
    "training.scheduler": "plateau",
    "training.plateau_patience": 1,
    "training.early_stopping_patience": "none",
    "training.mixup_alpha": 0.2,
    "training.augmentation.noise_std": 0.01,
    "training.augmentation.jitter_frames": 2,
}
WORDS = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]
CUTS = 12
Mabe = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def mabe(server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mabe]:
    """Begin a command in a process of its own, as a terminal would; the job is the real one, with a gate."""
    gated = tmp_path / "modal_attempt.py"
    gated.write_text((ROOT / ATTEMPT).read_text().replace('"core.job"', '"gated_job"'))
    overlay = {ATTEMPT: gated, "gated_job.py": ROOT / "tests/core/gated_job.py"}
    monkeypatch.setattr(server, "overlay", overlay)
    environment = os.environ | server.client_environment()
    environment |= {"MABE_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}

    with ExitStack() as clients:

        def begin(*arguments: str) -> "subprocess.Popen[str]":
            client = subprocess.Popen(
                [sys.executable, "-c", "from mabe_tui.cli.main import run; run()", *arguments],
                env=environment,
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            return clients.enter_context(killed_at_the_end(client))

        yield begin


def begun(home: Path, command: "subprocess.Popen[str]") -> RunDir:
    assert command.stdout is not None
    return RunDir(home / "runs" / command.stdout.readline().strip())


def last_weights(run: RunDir) -> str:
    checkpoint = CheckpointStore(run).load("last")
    assert checkpoint is not None
    return weights_hash(checkpoint.content["model"])


def make_trouble(server: LoopbackServer, run: RunDir, gate: Gate) -> None:
    """Preempt once, restart the server once, and kill the job once instead of a commit."""
    launcher = ModalLauncher()

    def one_more_epoch() -> int:
        done = len(run.history().epochs)
        gate.hold_after(done + 1)
        return done

    def progress() -> None:
        done = one_more_epoch()
        wait_for(lambda: len(run.history().epochs) > done)

    progress()
    server.preempt()
    wait_for(lambda: len(run.attempts()) == 2)
    progress()
    server.go_down()
    wait_for(lambda: launcher.state(run) is RunState.UNKNOWN)
    server.come_back()
    progress()
    server.faults.kills_at_commit = 1
    one_more_epoch()
    wait_for(lambda: len(run.attempts()) == 3)
    progress()
    # A stream starts at the beginning of the log, which holds more lines than any cut lets through.
    wait_for(lambda: server.faults.cut_streams_after == [])
    gate.open()


@pytest.mark.slow
def test_nothing_that_happens_changes_the_result(
    server: LoopbackServer, mabe: Mabe, tmp_path: Path, gate: Gate
) -> None:
    gate.hold_after(1)
    client = mabe("run", "v1", "--on", "modal", *WORDS)
    there = begun(tmp_path / "home", client)
    local = mabe("run", "v1", "--on", "local", *WORDS)
    here = begun(tmp_path / "home", local)
    wait_for(lambda: bool(there.history().epochs))
    client.send_signal(signal.SIGKILL)
    client.communicate()

    choice = random.Random(1)
    server.faults.cut_streams_after = [choice.randint(0, 8) for _ in range(CUTS)]
    with mabe("logs", "-f", there.id) as follower:
        make_trouble(server, there, gate)
        shown, _ = follower.communicate()
    assert follower.returncode == 0
    assert f"finished after epoch {EPOCHS}" in shown

    history = assert_complete(there)
    assert len(history.epochs) == EPOCHS
    assert len(history.attempts) == 3
    assert history.superseded
    (pulled,) = mabe("pull", there.id, "last").communicate()[0].split()
    volume = server.cloud.volumes.named("mabe-runs") / there.id / "checkpoints"
    assert sha256(Path(pulled)) == sha256(volume / Path(pulled).name)

    local.communicate()
    assert projected_history(history) == projected_history(here.history())
    assert last_weights(there) == last_weights(here)
    assert there.read_request().resolved == here.read_request().resolved


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
