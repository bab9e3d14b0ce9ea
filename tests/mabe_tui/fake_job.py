"""Stands in for ``core.job``: speaks the events of a run and learns nothing.

What it does is read from ``fake.json`` in the run folder (or, for ``then``, from ``FAKE_THEN``):
``epochs`` to tell of, then ``then``: "finish", "fail", "wait" (for a signal), "deaf" (ignores SIGUSR1),
"mute" (waits before its first event), "time_limit" (stops by it) or "vanish" (ends without a word).
"""

import json
import os
import signal
import sys
from pathlib import Path

from core.run.emitter import Emitter
from core.run.events import (
    CheckpointSaved,
    DataReady,
    Epoch,
    Failed,
    Finished,
    Resumed,
    RunStarted,
    Step,
    Stopped,
    System,
)
from core.run.records import Pointer
from core.run.rundir import RunDir


def main() -> None:
    run = RunDir(Path(sys.argv[1]))
    attempt = sys.argv[sys.argv.index("--attempt") + 1]
    plan = {"epochs": 2, "then": os.environ.get("FAKE_THEN", "finish")}
    if (run.path / "fake.json").exists():
        plan |= json.loads((run.path / "fake.json").read_text())
    if plan["then"] == "mute":
        signal.pause()
    if plan["then"] == "deaf":
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    else:
        # blocked, so that a signal that comes before sigwait is not lost
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    with Emitter(attempt, run.events_path(attempt)) as emitter:
        start(run, attempt, emitter)
        print("plain words \x1b[31min red\x1b[0m")
        for epoch in range(1, plan["epochs"] + 1):
            tell_epoch(emitter, run, epoch)
        end(emitter, plan)


def start(run: RunDir, attempt: str, emitter: Emitter) -> None:
    emitter.emit(
        RunStarted, run=run.id, experiment="v1", device="cpu", device_name="fake", torch="0",
        threads=1, code_version="fake", pid=os.getpid(), seed=1,
    )  # fmt: skip
    emitter.emit(
        DataReady, fingerprint="f", train_units=4, validation_units=1, train_examples=400,
        validation_examples=100, train_samples=7, steps_per_epoch=2, input_size=28, parameters=99,
    )  # fmt: skip
    if (last := run.read_pointer("last")) is not None:
        emitter.emit(
            Resumed, from_attempt=last.attempt, from_seq=last.seq, epoch=last.epoch,
            step=last.step, file=last.file, sha256=last.sha256,
        )  # fmt: skip


def tell_epoch(emitter: Emitter, run: RunDir, epoch: int) -> None:
    emitter.emit(
        Step, epoch=epoch, step=2 * epoch, epoch_step=2, epoch_steps=2, loss=1 / epoch,
        learning_rate=1e-3, gradient_norm=0.5, frames_per_second=1234.0,
    )  # fmt: skip
    emitter.emit(System, cpu_percent=50.0, memory_mib=10.0)
    emitter.emit(
        Epoch, epoch=epoch, step=2 * epoch, seconds=2.0, train_loss=1 / epoch, learning_rate=1e-3,
        gradient_norm=0.5, frames_per_second=1234.0,
        metrics={"f1_macro": epoch / 10, "loss": 1 / epoch, "accuracy": 0.5},
    )  # fmt: skip
    file, content = f"step-{2 * epoch:07d}.pt", b"weights"
    run.checkpoints.mkdir(exist_ok=True)
    (run.checkpoints / file).write_bytes(content)
    saved = emitter.emit(
        CheckpointSaved, epoch=epoch, step=2 * epoch, file=file, sha256=SHA256, bytes=len(content),
        pointers=("last", "best"), metric=epoch / 10,
    )  # fmt: skip
    for name in ("last", "best"):
        run.write_pointer(
            name,
            Pointer(
                file=file, sha256=SHA256, bytes=len(content), epoch=epoch, step=2 * epoch,
                attempt=saved.attempt, seq=saved.seq, metric=epoch / 10,
            ),
        )  # fmt: skip


def end(emitter: Emitter, plan: dict[str, object]) -> None:
    epoch = plan["epochs"]
    if plan["then"] in ("wait", "deaf"):
        if plan["then"] == "deaf":
            while True:
                signal.pause()
        signal.sigwait([signal.SIGUSR1])
        emitter.emit(Stopped, epoch=epoch, step=2 * epoch, reason="user")
    elif plan["then"] == "time_limit":
        emitter.emit(Stopped, epoch=epoch, step=2 * epoch, reason="time_limit")
    elif plan["then"] == "fail":
        emitter.emit(Failed, error="a made-up error", type="ValueError", traceback="Trace")
        sys.exit(1)
    elif plan["then"] == "finish":
        emitter.emit(
            Finished, epoch=epoch, step=2 * epoch, reason="epochs", best_epoch=epoch,
            best_metric=epoch / 10, monitor="f1_macro", seconds=4.0,
        )  # fmt: skip


SHA256 = "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"

if __name__ == "__main__":
    main()
