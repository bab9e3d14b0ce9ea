"""Replacement for ``core/job.py`` in a stand-in container: emits, saves and resumes in the same way.

It trains nothing: its "weights" are a number that every step replaces, so that two runs end with the same
weights only if no step was lost or done twice. ``--set`` cannot configure it; its behaviour is set in the
request's overrides: ``fake.seconds=0.1`` per step (default ``FAKE_STEP_SECONDS``),
``fake.then=fail|crash|hang``, ``fake.chatter=3`` plain lines per step, ``fake.metric=0.1`` as its monitored
metric after every epoch.
"""

import hashlib
import os
import signal
import sys
import time
from pathlib import Path

from core.run.emitter import Emitter
from core.run.events import (
    CheckpointSaved,
    DataReady,
    Epoch,
    Failed,
    Finished,
    Preempted,
    Resumed,
    RunStarted,
    Step,
    Stopped,
)
from core.run.provenance import PACKAGES, Environment, packages_text
from core.run.records import Pointer
from core.run.rundir import RunDir
from core.system.files import write_bytes_atomically

STEPS = 4
WEIGHTS_BYTES = 50_000
METRIC = "f1_macro"


class Job:
    def __init__(self, run: RunDir, attempt: str) -> None:
        self.run, self.attempt = run, attempt
        self.request = run.read_request()
        self.plan = dict(o.split("=", 1) for o in self.request.overrides if o.startswith("fake."))
        self.emitter = Emitter(attempt, run.events_path(attempt))
        self.signal: signal.Signals | None = None
        self.step, self.weights = 0, b"0"
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, self.take_note)

    def take_note(self, number: int, _: object) -> None:
        self.signal = signal.Signals(number)

    def begin(self) -> None:
        packages = packages_text(Environment("3.11", {"fake": "1"}))
        write_bytes_atomically(self.run.attempt_folder(self.attempt) / PACKAGES, packages.encode())
        self.emitter.emit(
            RunStarted, run=self.run.id, experiment=self.request.experiment.name, device="cpu",
            device_name=os.environ["FAKE_DEVICE_NAME"].replace("-", " "), torch="0", threads=1,
            code_version="fake", pid=os.getpid(), seed=1,
        )  # fmt: skip
        if (last := self.run.read_pointer("last")) is not None:
            content = (self.run.checkpoints / last.file).read_bytes()
            assert hashlib.sha256(content).hexdigest() == last.sha256
            self.step, self.weights = last.step, content[:64]
            self.emitter.emit(
                Resumed, from_attempt=last.attempt, from_seq=last.seq, epoch=last.epoch,
                step=last.step, file=last.file, sha256=last.sha256,
            )  # fmt: skip
        self.emitter.emit(
            DataReady, fingerprint="f", train_units=4, validation_units=1, train_examples=400,
            validation_examples=100, train_samples=7, steps_per_epoch=STEPS, input_size=28,
            parameters=99,
        )  # fmt: skip

    def hold_at_gate(self, epoch: int, number: int) -> None:
        """Wait in the middle of an epoch that may not be completed (see tests/gate.py), or for a signal."""
        gate = os.environ.get("FAKE_GATE")
        while gate and number > STEPS // 2 and self.signal is None:
            if self.has_lost_the_folder():
                break
            try:
                if epoch <= int(Path(gate).read_text()):
                    break
            except FileNotFoundError:
                break
            time.sleep(0.01)

    def has_lost_the_folder(self) -> bool:
        return max(self.run.attempts()) > self.attempt

    def one_step(self, epoch: int, number: int) -> None:
        self.step += 1
        self.weights = hashlib.sha256(self.weights).hexdigest().encode()
        for line in range(int(self.plan.get("fake.chatter", 1))):
            print(f"step {self.step} line {line} of attempt {self.attempt}", flush=True)
        self.emitter.emit(
            Step, epoch=epoch, step=self.step, epoch_step=number, epoch_steps=STEPS,
            loss=1 / self.step, learning_rate=1e-3, gradient_norm=0.5, frames_per_second=1e3,
        )  # fmt: skip
        usual = os.environ.get("FAKE_STEP_SECONDS", "0.01")
        time.sleep(float(self.plan.get("fake.seconds", usual)))

    def end_of_epoch(self, epoch: int) -> None:
        value = int(self.weights[:8], 16) / 0xFFFFFFFF if epoch else 0.0
        value = float(self.plan.get("fake.metric", value))
        self.emitter.emit(
            Epoch, epoch=epoch, step=self.step, seconds=1.0, train_loss=1 / self.step,
            learning_rate=1e-3, gradient_norm=0.5, frames_per_second=1e3,
            metrics={METRIC: value, "loss": 1 / self.step, "accuracy": 0.5},
        )  # fmt: skip
        self.save(epoch, value)

    def save(self, epoch: int, value: float) -> None:
        content = self.weights.ljust(WEIGHTS_BYTES, b"w")
        file, sha256 = f"step-{self.step:07d}.pt", hashlib.sha256(content).hexdigest()
        self.run.checkpoints.mkdir(exist_ok=True)
        write_bytes_atomically(self.run.checkpoints / file, content)
        best = self.run.read_pointer("best")
        names = ["last", f"epoch-{epoch:04d}"]
        if best is None or value > (best.metric or 0):
            names.append("best")

        def announce(seq: int) -> tuple[type[CheckpointSaved], dict[str, object]]:
            pointer = Pointer(
                file=file, sha256=sha256, bytes=len(content), epoch=epoch, step=self.step,
                attempt=self.attempt, seq=seq, metric=value,
            )  # fmt: skip
            for name in names:
                self.run.write_pointer(name, pointer)
            return CheckpointSaved, {
                "epoch": epoch, "step": self.step, "file": file, "sha256": sha256,
                "bytes": len(content), "pointers": tuple(names), "metric": value,
            }  # fmt: skip

        self.emitter.reserve(announce)

    def main(self) -> int:
        self.begin()
        epochs = self.request.experiment.training.epochs
        for epoch in range(self.step // STEPS + 1, epochs + 1):
            for number in range(1, STEPS + 1):
                self.hold_at_gate(epoch, number)
                if self.has_lost_the_folder():
                    self.emitter.emit(
                        Stopped, epoch=epoch - 1, step=self.step, reason="newer_attempt"
                    )
                    return 0
                if self.signal is not None:
                    return self.leave(epoch - 1)
                self.one_step(epoch, number)
            self.end_of_epoch(epoch)
        return self.finish(epochs)

    def leave(self, epoch: int) -> int:
        if self.signal is signal.SIGINT:
            self.emitter.emit(Preempted, epoch=epoch, step=self.step, signal="SIGINT")
        else:
            self.emitter.emit(Stopped, epoch=epoch, step=self.step, reason="user")
        return 0

    def finish(self, epochs: int) -> int:
        match self.plan.get("fake.then"):
            case "fail":
                self.emitter.emit(Failed, error="a made-up error", type="ValueError")
                return 1
            case "crash":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hang":
                signal.signal(signal.SIGUSR1, signal.SIG_IGN)
                while True:
                    time.sleep(1)
        best = self.run.read_pointer("best")
        assert best is not None
        self.emitter.emit(
            Finished, epoch=epochs, step=self.step, reason="epochs", best_epoch=best.epoch,
            best_metric=best.metric, monitor=METRIC, seconds=1.0,
        )  # fmt: skip
        return 0


if __name__ == "__main__":
    sys.exit(Job(RunDir(Path(sys.argv[1])), sys.argv[sys.argv.index("--attempt") + 1]).main())
