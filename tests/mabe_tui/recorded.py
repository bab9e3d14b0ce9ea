"""Finished runs, written as their folders would be left, with real settings."""

import datetime as dt
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from core.run.events import (
    AnyEvent,
    DataReady,
    Epoch,
    Failed,
    Finished,
    RunStarted,
    Step,
    Stopped,
    encode,
)
from core.run.limits import Limits
from core.run.records import About
from core.run.request import Resolved, RunRequest
from core.run.rundir import RunDir, new_run_id
from core.tasks.behaviour.settings import BehaviourExperiment

START = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
MACHINE = {"learning_rate": 1e-3, "gradient_norm": 1.0, "frames_per_second": 1e4}
STEPS = 4
_minutes = itertools.count()


def record(
    home: Path,
    experiment: BehaviourExperiment,
    f1: Sequence[float] = (0.1, 0.3, 0.2),
    *,
    seed: int = 1,
    ending: type[Finished] | type[Failed] | type[Stopped] | None = Finished,
    launcher: str = "local",
    usd_per_hour: float | None = None,
    videos: Sequence[str] = ("x", "y"),
    source: str | None = None,
    tags: Sequence[str] = (),
    note: str = "",
    **request: Any,
) -> RunDir:
    """Write a run's folder, each call a minute later than the one before; ``f1`` is one value an epoch."""
    created = START + dt.timedelta(minutes=next(_minutes))
    run = RunDir(home / "runs" / new_run_id(experiment.name, created))
    training = msgspec.structs.replace(experiment.training, seed=seed)
    found = Resolved(
        code_version="c", data_fingerprint="f", train_units=("t",), validation_units=tuple(videos),
        torch="2", threads=1, device="cpu", validation_source=source,
    )  # fmt: skip
    run.write_request(
        RunRequest(
            run=run.id, created=created, launcher=launcher, seed=seed, resolved=found,
            experiment=msgspec.structs.replace(experiment, training=training),
            limits=Limits(usd_per_hour=usd_per_hour), **request,
        )
    )  # fmt: skip
    if tags or note:
        run.write_about(About(tags=tuple(tags), note=note))
    attempt = run.claim_attempt()
    lines = [encode(event) for event in _events(run, attempt, created, f1, ending)]
    run.events_path(attempt).write_bytes(b"\n".join([*lines, b""]))
    return run


def _events(
    run: RunDir, attempt: str, created: dt.datetime, f1: Sequence[float], ending: Any
) -> list[AnyEvent]:
    told: list[AnyEvent] = []

    def tell(kind: Any, **fields: Any) -> None:
        seq = len(told) + 1
        time = created + dt.timedelta(seconds=10 * seq)
        told.append(kind(attempt=attempt, seq=seq, time=time, **fields))

    tell(
        RunStarted, run=run.id, experiment="v", device="cpu", device_name="x", torch="2", threads=1,
        code_version="c", pid=1, seed=1,
    )  # fmt: skip
    tell(
        DataReady, fingerprint="f", train_units=1, validation_units=2, train_examples=1,
        validation_examples=1, train_samples=1, steps_per_epoch=STEPS, input_size=2, parameters=9,
    )  # fmt: skip
    for epoch, score in enumerate(f1, start=1):
        for at in range(1, STEPS + 1):
            step = STEPS * (epoch - 1) + at
            tell(
                Step, epoch=epoch, step=step, epoch_step=at, epoch_steps=STEPS, loss=1.0, **MACHINE
            )
        metrics = {"f1_macro": score, "loss": 1 / epoch, "accuracy": 0.5, "f1/social": score / 2}
        tell(
            Epoch, epoch=epoch, step=STEPS * epoch, seconds=40.0, train_loss=1 / epoch,
            metrics=metrics, **MACHINE,
        )  # fmt: skip
    _end(tell, ending, len(f1))
    return told


def _end(tell: Any, ending: Any, epochs: int) -> None:
    at = {"epoch": epochs, "step": STEPS * epochs}
    if ending is Finished:
        tell(
            Finished, **at, reason="epochs", best_epoch=1, best_metric=0.1, monitor="f1_macro",
            seconds=1.0,
        )  # fmt: skip
    elif ending is Failed:
        tell(Failed, error="out of memory", type="OutOfMemoryError")
    elif ending is Stopped:
        tell(Stopped, **at, reason="user")
