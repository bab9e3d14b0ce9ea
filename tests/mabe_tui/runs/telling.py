"""Write runs with several attempts event by event, to a list and to the run's files."""

import datetime as dt
from typing import Any

from core.run.events import (
    AnyEvent,
    CheckpointSaved,
    DataReady,
    Epoch,
    Event,
    Resumed,
    RunStarted,
    Step,
    System,
    encode,
)
from core.run.rundir import RunDir

START = dt.datetime(2026, 11, 21, 3, 0, tzinfo=dt.UTC)


class Telling:
    """Emits a run's events ten seconds apart; ``files=False`` keeps them in memory only."""

    def __init__(self, run: RunDir, files: bool = True) -> None:
        self.run, self.files, self.now = run, files, START
        self.attempt, self.seq = "", 0
        self.events: list[AnyEvent] = []

    def begin(self, attempt: str, pause: float = 3600.0) -> "Telling":
        """Start an attempt, ``pause`` seconds after the previous one."""
        self.now += dt.timedelta(seconds=pause if self.events else 0)
        self.attempt, self.seq = attempt, 0
        if self.files:
            self.run.attempt_folder(attempt).mkdir(parents=True)
        self.tell(
            RunStarted, run="r", experiment="v6", device="cpu", device_name="x", torch="2",
            threads=1, code_version="c", pid=1, seed=1,
        )  # fmt: skip
        return self.tell(
            DataReady, fingerprint="f", train_units=1, validation_units=1, train_examples=1,
            validation_examples=1, train_samples=1, steps_per_epoch=4, input_size=28, parameters=9,
        )  # fmt: skip

    def tell(self, kind: type[Event], **fields: Any) -> "Telling":
        self.seq += 1
        event: Any = kind(attempt=self.attempt, seq=self.seq, time=self.now, **fields)
        self.now += dt.timedelta(seconds=10)
        self.events.append(event)
        self._append(self.run.events_path(self.attempt), encode(event))
        return self.words(encode(event))

    def words(self, line: bytes) -> "Telling":
        self._append(self.run.log_path(self.attempt), line)
        return self

    def epoch(self, number: int, loss: float = 0.5, steps: int = 4, **metrics: float) -> "Telling":
        """Emit an epoch's steps and readings, the epoch, and its checkpoint."""
        for at in range(1, steps + 1):
            self.tell(
                Step, epoch=number, step=steps * (number - 1) + at, epoch_step=at,
                epoch_steps=steps, loss=loss, learning_rate=1e-3, gradient_norm=1.0,
                frames_per_second=100.0,
            )  # fmt: skip
            self.tell(System, cpu_percent=50.0, memory_mib=10.0)
        self.tell(
            Epoch, epoch=number, step=steps * number, seconds=20.0, train_loss=loss,
            learning_rate=1e-3, gradient_norm=1.0, frames_per_second=100.0,
            metrics={"f1_macro": number / 10, "loss": loss, **metrics},
        )  # fmt: skip
        return self.tell(
            CheckpointSaved, epoch=number, step=steps * number, file="f", sha256="s", bytes=1,
            pointers=("last",),
        )  # fmt: skip

    def resume(self, attempt: str, saved: Event, pause: float = 3600.0) -> "Telling":
        """Start an attempt that resumes from a checkpoint."""
        self.begin(attempt, pause)
        return self.tell(
            Resumed, from_attempt=saved.attempt, from_seq=saved.seq, epoch=1, step=4, file="f",
            sha256="s",
        )  # fmt: skip

    @property
    def saved(self) -> AnyEvent:
        """The last checkpoint."""
        return next(e for e in reversed(self.events) if isinstance(e, CheckpointSaved))

    def _append(self, path: Any, line: bytes) -> None:
        if self.files:
            with path.open("ab") as file:
                file.write(line + b"\n")
