"""What a run says of itself: typed events, one JSON line each.

An event's identity is (run, attempt, seq). ``seq`` counts from 1 within an attempt and leaves no gap,
so a reader can tell what it has and what it lacks. On standard output an event is one JSON line that
begins with :data:`PREFIX`; every other line is plain log and never an error.
"""

import datetime as dt
import math
from typing import Any

import msgspec

from core.system.files import UNDECODABLE

PREFIX = '{"kind":"'
"""How every event line begins: enough to tell it from plain log without parsing."""


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """What all events have. Unknown fields are let pass: an older reader meets a newer writer."""

    attempt: str
    seq: int
    time: dt.datetime
    """UTC."""


class RunStarted(Event, frozen=True, tag="run_started"):
    """The first event of every attempt."""

    run: str
    experiment: str
    device: str
    device_name: str
    torch: str
    threads: int
    code_version: str
    pid: int
    seed: int
    startup_seconds: float = 0.0
    """From the start of the attempt to this event; the machine is paid for meanwhile."""


KEYS_OF_DATA = {
    "train_units": "train_videos",
    "validation_units": "validation_videos",
    "train_examples": "train_frames",
    "validation_examples": "validation_frames",
    "train_samples": "train_windows",
    "train_label_examples": "train_class_frames",
    "validation_label_examples": "validation_class_frames",
}
"""Field → key in JSON and TOML, which is as the first task called it; ``unit`` and ``example`` say what is
counted."""


class DataReady(Event, frozen=True, tag="data_ready", rename=KEYS_OF_DATA):
    """The data were found, split and cut; the model is built."""

    fingerprint: str
    train_units: int
    validation_units: int
    train_examples: int
    validation_examples: int
    train_samples: int
    """What batches hold: windows of frames, say."""
    steps_per_epoch: int
    input_size: int
    parameters: int
    train_label_examples: dict[str, int] = {}
    validation_label_examples: dict[str, int] = {}
    unit: str = "video"
    """What is independent of all others of its kind."""
    example: str = "frame"
    """What a metric counts."""
    falling: tuple[str, ...] = ("loss",)
    """The metrics of which a smaller value is better."""


class Step(Event, frozen=True, tag="step"):
    """A sign of life inside an epoch, about once a second."""

    epoch: int
    step: int
    """Optimiser steps since the run began, over all attempts."""
    epoch_step: int
    epoch_steps: int
    loss: float
    """Mean over the optimiser steps since the last such event."""
    learning_rate: float
    gradient_norm: float
    """Before clipping, of the latest step."""
    frames_per_second: float


class System(Event, frozen=True, tag="system"):
    """What the machine is doing."""

    cpu_percent: float
    """Of this process; 100 is one core."""
    memory_mib: float
    """Resident memory of this process."""
    gpu_percent: float | None = None
    gpu_memory_mib: float | None = None


READINGS = tuple(name for name in System.__struct_fields__ if name not in Event.__struct_fields__)
"""What a :class:`System` event tells of the machine."""


class Epoch(Event, frozen=True, tag="epoch"):
    """An epoch has been trained and validated."""

    epoch: int
    """From 1."""
    step: int
    seconds: float
    """Training and validation together."""
    train_loss: float
    learning_rate: float
    """What this epoch was trained with, at its end."""
    gradient_norm: float
    """Mean over the epoch's optimiser steps, before clipping."""
    frames_per_second: float
    """Training frames over training time; validation is left out."""
    metrics: dict[str, float]
    """What the task measured; which keys there are is the task's affair."""


class CheckpointSaved(Event, frozen=True, tag="checkpoint_saved"):
    """A checkpoint is on disk, and its pointers name it."""

    epoch: int
    """Completed epochs."""
    step: int
    file: str
    sha256: str
    bytes: int
    pointers: tuple[str, ...]
    """Of ``last`` and ``best``, those that name it now."""
    metric: float | None = None
    """The monitored metric of its epoch."""


class Warned(Event, frozen=True, tag="warning"):
    """Something the user should know, and that does not stop the run."""

    code: str
    message: str


class Resumed(Event, frozen=True, tag="resumed"):
    """This attempt goes on from a checkpoint that an earlier one saved.

    ``from_attempt`` and ``from_seq`` name that checkpoint's ``checkpoint_saved`` event: what the
    earlier attempt said after it is superseded.
    """

    from_attempt: str
    from_seq: int
    epoch: int
    step: int
    file: str
    sha256: str


class Preempted(Event, frozen=True, tag="preempted"):
    """The machine was taken away; a new attempt will go on."""

    epoch: int
    step: int
    signal: str


class Stopped(Event, frozen=True, tag="stopped"):
    """The run ended before its last epoch, as it was asked to; it can be resumed."""

    epoch: int
    step: int
    reason: str
    """``user``, ``time_limit``, ``budget`` or ``newer_attempt``."""


class Finished(Event, frozen=True, tag="finished"):
    """The run is complete."""

    epoch: int
    step: int
    reason: str
    """``epochs`` or ``early_stopping``."""
    best_epoch: int
    best_metric: float
    monitor: str
    seconds: float
    """Of this attempt, from its start."""


class Failed(Event, frozen=True, tag="failed"):
    """The run ended in an error; ``error`` is one line for a person."""

    error: str
    type: str
    traceback: str = ""


AnyEvent = (
    RunStarted | DataReady | Step | System | Epoch | CheckpointSaved | Warned | Resumed
    | Preempted | Stopped | Finished | Failed
)  # fmt: skip
ENDINGS = (Preempted, Stopped, Finished, Failed)
"""Events after which an attempt says nothing more."""

_encoder = msgspec.json.Encoder()
# Not strict, so that the strings which stand for what JSON cannot write become floats again.
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent, strict=False)


def encode(event: Event) -> bytes:
    """Return the event's JSON line, without the line end.

    JSON has no NaN and no infinity; they are written as the strings ``"nan"``, ``"inf"`` and
    ``"-inf"`` and read back as numbers, for a loss that is not a number must be seen.
    """
    return _encoder.encode(
        _spell_non_finite(msgspec.to_builtins(event, builtin_types=(dt.datetime,)))
    )


def _spell_non_finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {key: _spell_non_finite(inner) for key, inner in value.items()}
    return value


def decode(line: bytes | str) -> AnyEvent | None:
    """Read one line of a log: an event, or ``None`` where it is plain text, torn or of a foreign kind."""
    stripped = line.strip()
    start = stripped[:9] if isinstance(stripped, str) else stripped[:9].decode("utf-8", "replace")
    if start != PREFIX:
        return None
    try:
        return _decoder.decode(stripped)
    except UNDECODABLE:
        return None


def began(first: Event) -> dt.datetime:
    """Say when an attempt began, and so its machine to cost something, by its first event."""
    if isinstance(first, RunStarted):
        return first.time - dt.timedelta(seconds=first.startup_seconds)
    return first.time


class Identity(msgspec.Struct, frozen=True, order=True):
    """Which event of a run this is."""

    attempt: str
    seq: int


def identity(event: Event) -> Identity:
    """Return the key under which a mirror holds an event once, whatever the stream does."""
    return Identity(event.attempt, event.seq)
