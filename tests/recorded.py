"""Synthetic runs that look trained, for screens, snapshots, benchmarks and pictures.

Every number comes from a formula and a fixed seed, and every time from :data:`BEGAN`, so the folder is the
same each time it is written. Nothing here is a result.
"""

import datetime as dt
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from core.config import registry
from core.evaluation.frames import frame_metrics
from core.evaluation.table import Confusions, evaluation_table
from core.run import events
from core.run.emitter import Emitter
from core.run.limits import Limits
from core.run.records import About, Handle, Pointer
from core.run.request import Resolved, RunRequest
from core.run.rundir import RunDir

BEGAN = dt.datetime(2026, 11, 20, 9, 0, tzinfo=dt.UTC)
CLASSES = ("other", "social", "mating", "aggressive")
VIDEOS = tuple(f"video-{number:02d}" for number in range(12))
FRAMES = np.array([1800, 340, 70, 40])
"""Frames of each class in a video."""
DEAD_PID = 2**22 + 1
"""A process id greater than any on Linux."""


@dataclass(kw_only=True)
class Recording:
    """The specification of a run to write."""

    version: str
    name: str
    """The last four letters of its id."""
    seed: int = 42
    hours: float = 0.0
    """Time after :data:`BEGAN`."""
    epochs: int = 30
    steps: int = 8
    """Step events per epoch."""
    skill: float = 0.8
    """The F1 that it approaches."""
    ending: str = "finished"
    """``finished``, ``stopped``, ``failed``, ``lost``, or ``nan`` (finished, but with NaN losses)."""
    usd_per_hour: float | None = 3.95
    tags: tuple[str, ...] = ()
    note: str = ""
    overrides: tuple[str, ...] = ()
    words: Sequence[str] = field(
        default_factory=lambda: ("loading 12 videos", "\x1b[32mready\x1b[0m")
    )


RECORDINGS = (
    Recording(version="v4", name="aa4k", epochs=22, skill=0.66, ending="stopped", note="too slow"),
    Recording(version="v5", name="bb42", hours=1, skill=0.74),
    Recording(version="v5", name="bb43", hours=2, seed=2023, skill=0.73),
    Recording(version="v6", name="cc42", hours=4, skill=0.82, tags=("keep",)),
    Recording(version="v6", name="cc43", hours=5, seed=2023, skill=0.81),
    Recording(version="v6", name="dd44", hours=3, seed=7, epochs=9, ending="lost"),
    Recording(
        version="v6", name="ee45", hours=3.5, seed=8, epochs=12, ending="nan",
        overrides=("training.learning_rate=0.01",),
    ),
    Recording(version="v7", name="ff46", hours=8, epochs=3, ending="failed"),
)  # fmt: skip


def write_all(home: Path, recordings: Sequence[Recording] = RECORDINGS) -> list[RunDir]:
    """Write runs into a home folder; return them in the same order."""
    return [write(home, recording) for recording in recordings]


def write(home: Path, recording: Recording) -> RunDir:
    """Write one run: request, events, log, checkpoints and evaluation."""
    created = BEGAN + dt.timedelta(hours=recording.hours)
    run = RunDir(home / "runs" / f"{recording.version}-{created:%Y%m%dT%H%M%S}-{recording.name}")
    experiment = registry.load(registry.default_path()).experiment(
        recording.version,
        [
            f"training.seed={recording.seed}",
            f"training.epochs={max(recording.epochs, 30)}",
            *list(recording.overrides),
        ],
    )
    run.write_request(
        RunRequest(
            run=run.id, created=created, launcher="local", seed=recording.seed,
            experiment=experiment, overrides=recording.overrides,
            limits=Limits(usd_per_hour=recording.usd_per_hour, cost_usd=15.0),
            resolved=Resolved(
                code_version="recorded", data_fingerprint="f00d", train_units=("t1", "t2"),
                validation_units=VIDEOS, torch="2.13.0", threads=2, device="cuda",
            ),
        )
    )  # fmt: skip
    if recording.tags or recording.note:
        run.write_about(About(tags=recording.tags, note=recording.note))
    attempt = f"0001-{recording.name}"
    (run.path / "attempts" / attempt).mkdir(parents=True)
    run.checkpoints.mkdir()
    run.write_handle(
        Handle(launcher="local", attempt=attempt, reference={"pid": DEAD_PID, "started": 1.0})
    )
    _Telling(run, recording, attempt, created).tell()
    return run


class _Telling:
    """Emits a run's events with a simulated clock."""

    def __init__(self, run: RunDir, recording: Recording, attempt: str, now: dt.datetime) -> None:
        self.run, self.recording, self.attempt, self.now = run, recording, attempt, now
        self.random = np.random.default_rng(sum(map(ord, run.id)))
        self.log = io.StringIO()
        self.emitter = Emitter(attempt, run.events_path(attempt), self.log, clock=lambda: self.now)
        self.best = -1.0

    def tell(self) -> None:
        with self.emitter:
            self._begin()
            for epoch in range(1, self.recording.epochs + 1):
                self._epoch(epoch)
            self._end()
        self.run.log_path(self.attempt).write_text(self.log.getvalue())

    def _say(self, kind: type[Any], **fields: Any) -> Any:
        self.now += dt.timedelta(seconds=3)
        return self.emitter.emit(kind, **fields)

    def _begin(self) -> None:
        self._say(
            events.RunStarted, run=self.run.id, experiment=self.recording.version, device="cuda",
            device_name="NVIDIA H100 80GB HBM3", torch="2.13.0", threads=2, code_version="recorded",
            pid=DEAD_PID, seed=self.recording.seed,
        )  # fmt: skip
        for words in self.recording.words:
            self.log.write(words + "\n")
        self._say(
            events.DataReady, fingerprint="f00d", train_units=48, validation_units=len(VIDEOS),
            train_examples=108_000, validation_examples=int(FRAMES.sum()) * len(VIDEOS),
            train_samples=4_300, steps_per_epoch=self.recording.steps, input_size=288,
            parameters=1_234_567,
        )  # fmt: skip

    def _epoch(self, epoch: int) -> None:
        share = 1 - np.exp(-epoch / (0.25 * max(self.recording.epochs, 30)))
        loss = 1.3 * (1 - share) + 0.25
        rate = 3e-4 * min(1.0, epoch / 3) * (1 - 0.9 * epoch / 60)
        for number in range(1, self.recording.steps + 1):
            step = (epoch - 1) * self.recording.steps + number
            broken = self.recording.ending == "nan" and epoch > 10 and number % 3 == 0
            self._say(
                events.Step, epoch=epoch, step=step, epoch_step=number,
                epoch_steps=self.recording.steps,
                loss=float("nan") if broken else float(loss * self.random.lognormal(0, 0.12)),
                learning_rate=rate, gradient_norm=float(self.random.lognormal(0, 0.3)),
                frames_per_second=float(180_000 * self.random.normal(1, 0.03)),
            )  # fmt: skip
            self._say(
                events.System, cpu_percent=float(self.random.uniform(60, 90)), memory_mib=2_400.0,
                gpu_percent=float(self.random.uniform(85, 99)), gpu_memory_mib=21_000.0,
            )  # fmt: skip
        self.log.write(f"epoch {epoch} scored on {len(VIDEOS)} videos\n")
        self._score(epoch, share, loss, rate)

    def _score(self, epoch: int, share: float, loss: float, rate: float) -> None:
        counts = self._confusions(self.recording.skill * share)
        metrics = frame_metrics(counts.sum(0), CLASSES)
        step = epoch * self.recording.steps
        self._say(
            events.Epoch, epoch=epoch, step=step, seconds=50.0, train_loss=float(loss),
            learning_rate=rate, gradient_norm=1.0, frames_per_second=180_000.0,
            metrics={**metrics, "loss": float(1.05 * loss + 0.002 * epoch)},
        )  # fmt: skip
        better = metrics["f1_macro"] > self.best
        if better:
            self.best, self.best_epoch = metrics["f1_macro"], epoch
            self.run.evaluation_table.parent.mkdir(exist_ok=True)
            table = evaluation_table(Confusions(VIDEOS, CLASSES, counts))
            pq.write_table(table, self.run.evaluation_table)
        if better or epoch % 5 == 0 or epoch == self.recording.epochs:
            self._save(epoch, step, metrics["f1_macro"], ("last", "best") if better else ("last",))

    def _save(self, epoch: int, step: int, metric: float, pointers: tuple[str, ...]) -> None:
        content = f"weights of {self.run.id} at step {step}".encode()
        facts: dict[str, Any] = {
            "file": f"step-{step:07d}.pt", "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content), "epoch": epoch, "step": step, "metric": metric,
        }  # fmt: skip
        (self.run.checkpoints / facts["file"]).write_bytes(content)
        saved = self._say(events.CheckpointSaved, pointers=pointers, **facts)
        for name in pointers:
            pointer = Pointer(attempt=saved.attempt, seq=saved.seq, **facts)
            self.run.write_pointer(name, pointer)

    def _confusions(self, skill: float) -> np.ndarray:
        """Return counts ``(videos, classes, classes)`` with a given share of correct frames."""
        counts = np.zeros((len(VIDEOS), len(CLASSES), len(CLASSES)), np.int64)
        for video in range(len(VIDEOS)):
            for true, frames in enumerate(FRAMES.tolist()):
                ease = np.clip(
                    skill + (0.15, 0.0, -0.05, -0.12)[true] - 0.02 * (video % 5), 0.02, 0.98
                )
                right = self.random.binomial(frames, ease)
                wrong = self.random.multinomial(frames - right, [0.7, 0.2, 0.06, 0.04])
                counts[video, true] = wrong
                counts[video, true, true] += right
        return counts

    def _end(self) -> None:
        recording = self.recording
        step = recording.epochs * recording.steps
        if recording.ending in ("finished", "nan"):
            self._say(
                events.Finished, epoch=recording.epochs, step=step, reason="epochs",
                best_epoch=self.best_epoch, best_metric=self.best, monitor="f1_macro",
                seconds=50.0 * recording.epochs,
            )  # fmt: skip
        elif recording.ending == "stopped":
            self._say(events.Stopped, epoch=recording.epochs, step=step, reason="user")
        elif recording.ending == "failed":
            self._say(
                events.Failed, error="CUDA out of memory: tried to allocate 2.4 GiB",
                type="OutOfMemoryError", traceback="Traceback …",
            )  # fmt: skip
