"""The real job: twice preempted and once killed on the stand-in, it ends as if nothing had happened."""

from pathlib import Path

import msgspec
import pytest

from core.experiment import (
    AugmentationConfig,
    DataConfig,
    Experiment,
    HardwareConfig,
    ModelConfig,
    TrainingConfig,
)
from core.rundir import RunDir
from core.training.checkpoint import CheckpointStore
from core.training.identity import projected_history, weights_hash
from mabe_tui.launch import modal_volume
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.local_launcher import LocalLauncher
from mabe_tui.launch.modal_launcher import ModalLauncher
from mabe_tui.runs.start import new_request
from tests.loopback.helpers import assert_complete, follow_to_the_end, wait_for
from tests.loopback.server import LoopbackServer

EPOCHS = 30
SMALL = Experiment(
    name="v1",
    hardware=HardwareConfig(device="cpu", timeout_seconds=600, gpu="T4"),
    data=DataConfig(window=40, stride=20, synthetic_videos=3, synthetic_frames=800),
    model=ModelConfig(name="conv_bilstm", channels=(8, 8), hidden_size=8),
    training=TrainingConfig(
        epochs=EPOCHS,
        batch_size=8,
        learning_rate=3e-3,
        warmup_epochs=2,
        scheduler="plateau",
        plateau_patience=1,
        mixup_alpha=0.2,
        augmentation=AugmentationConfig(noise_std=0.01, jitter_frames=2),
    ),
)


def asked(home: Path, launcher: ModalLauncher | LocalLauncher) -> RunDir:
    request = launcher.prepare(new_request(SMALL, launcher.name))
    run = RunDir(home / "runs" / request.run)
    run.write_request(request)
    return run


def last_weights(run: RunDir) -> str:
    checkpoint = CheckpointStore(run).load("last")
    assert checkpoint is not None
    return weights_hash(checkpoint.content["model"])


@pytest.mark.slow
def test_two_preemptions_and_a_kill_change_nothing(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(server, "overlay", {})
    modal, local = ModalLauncher(), LocalLauncher()
    there, here = asked(tmp_path / "there", modal), asked(tmp_path / "here", local)
    local.launch(here)
    modal.launch(there)
    with modal.following(there):
        for trouble in (server.preempt, server.kill, server.preempt):
            starts, epochs = len(there.attempts()), len(there.history().epochs)
            wait_for(lambda epochs=epochs: len(there.history().epochs) > epochs + 2)  # type: ignore[misc]
            trouble()
            wait_for(lambda starts=starts: len(there.attempts()) > starts)  # type: ignore[misc]
    assert follow_to_the_end(modal, there, 90) is RunState.FINISHED
    history = assert_complete(there)
    assert len(history.attempts) == 4
    assert len(history.epochs) == EPOCHS
    wait_for(lambda: local.state(here) is RunState.FINISHED, 90)
    assert projected_history(history) == projected_history(here.history())
    last = there.read_pointer("last")
    assert last is not None
    modal_volume.pull(there, [last])
    assert last_weights(there) == last_weights(here)
    resolved = there.read_request().resolved
    assert resolved is not None
    assert msgspec.structs.replace(resolved) == here.read_request().resolved
