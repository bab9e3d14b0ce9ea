"""Events that a run emits: typed, one JSON line each.

An event is identified by (run, attempt, seq). ``seq`` counts from 1 within an attempt without gaps, so a
reader can tell which events it lacks. On standard output an event is one JSON line that starts with
:data:`PREFIX`; every other line is plain log output and never an error.
"""

import datetime as dt
import math
from typing import Any

import msgspec

from core.system.files import UNDECODABLE

PREFIX = '{"kind":"'
"""Prefix of every event line: enough to tell it from plain log output without parsing."""


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """Fields of every event. Unknown fields are ignored, so that an older reader accepts a newer writer."""

    attempt: str
    seq: int
    time: dt.datetime
    """Time in UTC."""


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
    """From the start of the attempt to this event, which is billed as well."""


KEYS_OF_DATA = {
    "train_units": "train_videos",
    "validation_units": "validation_videos",
    "train_examples": "train_frames",
    "validation_examples": "validation_frames",
    "train_samples": "train_windows",
    "train_label_examples": "train_class_frames",
    "validation_label_examples": "validation_class_frames",
}
"""Field → key in JSON and TOML, which keeps the names of the first task; ``unit`` and ``example`` say what
is counted."""


class DataReady(Event, frozen=True, tag="data_ready", rename=KEYS_OF_DATA):
    """The data have been found, split and windowed, and the model has been built."""

    fingerprint: str
    train_units: int
    validation_units: int
    train_examples: int
    validation_examples: int
    train_samples: int
    """What a batch consists of, such as windows of frames."""
    steps_per_epoch: int
    input_size: int
    parameters: int
    train_label_examples: dict[str, int] = {}
    validation_label_examples: dict[str, int] = {}
    unit: str = "video"
    """What one independent unit of the data is, such as a video."""
    example: str = "frame"
    """What a metric counts, such as frames."""
    falling: tuple[str, ...] = ("loss",)
    """Metrics for which a smaller value is better."""


class Step(Event, frozen=True, tag="step"):
    """Progress inside an epoch, about once a second."""

    epoch: int
    step: int
    """Optimiser steps since the start of the run, over all attempts."""
    epoch_step: int
    epoch_steps: int
    loss: float
    """Mean over the optimiser steps since the last such event."""
    learning_rate: float
    gradient_norm: float
    """Gradient norm of the latest step, before clipping."""
    frames_per_second: float


class System(Event, frozen=True, tag="system"):
    """Load of the machine."""

    cpu_percent: float
    """CPU use of this process; 100 is one core."""
    memory_mib: float
    """Resident memory of this process."""
    gpu_percent: float | None = None
    gpu_memory_mib: float | None = None


READINGS = tuple(name for name in System.__struct_fields__ if name not in Event.__struct_fields__)
"""Readings that a :class:`System` event holds."""


class FreeMetrics(Event, frozen=True, tag="metrics"):
    """Metrics that a task or user code reports by itself; see :mod:`core.run.free_metrics`."""

    step: int
    """Optimiser steps since the start of the run."""
    values: dict[str, float]


class Epoch(Event, frozen=True, tag="epoch"):
    """An epoch has been trained and validated."""

    epoch: int
    """Counted from 1."""
    step: int
    seconds: float
    """Duration of training and validation together."""
    train_loss: float
    learning_rate: float
    """Learning rate at the end of this epoch."""
    gradient_norm: float
    """Mean over the epoch's optimiser steps, before clipping."""
    frames_per_second: float
    """Training frames per second of training time, excluding validation; NaN where nothing is known of it."""
    metrics: dict[str, float]
    """What the task measured; the task defines the keys."""

    @property
    def was_trained(self) -> bool:
        """Whether a training of its own is known: not of an imported log, nor of an ensemble's mean."""
        return not math.isnan(self.frames_per_second)


class CheckpointSaved(Event, frozen=True, tag="checkpoint_saved"):
    """A checkpoint is on disk, and its pointers refer to it."""

    epoch: int
    """Number of completed epochs."""
    step: int
    file: str
    sha256: str
    bytes: int
    pointers: tuple[str, ...]
    """Pointers (``last``, ``best``) that now refer to it."""
    metric: float | None = None
    """Value of the monitored metric in its epoch."""


LEAK = "_leak"
"""Ends the code of a warning that says why a run's validation is flattered."""


class Warned(Event, frozen=True, tag="warning"):
    """A problem that the user should know of but that does not stop the run."""

    code: str
    message: str


class Resumed(Event, frozen=True, tag="resumed"):
    """This attempt continues from a checkpoint that an earlier one saved.

    ``from_attempt`` and ``from_seq`` identify that checkpoint's ``checkpoint_saved`` event: the earlier
    attempt's later events are superseded.
    """

    from_attempt: str
    from_seq: int
    epoch: int
    step: int
    file: str
    sha256: str


class Preempted(Event, frozen=True, tag="preempted"):
    """The machine was taken away; a new attempt will continue the run."""

    epoch: int
    step: int
    signal: str


class Stopped(Event, frozen=True, tag="stopped"):
    """The run ended before its last epoch on request or at a limit; it can be resumed."""

    epoch: int
    step: int
    reason: str
    """Either ``user``, ``time_limit``, ``budget`` or ``newer_attempt``."""


class Finished(Event, frozen=True, tag="finished"):
    """The run is complete."""

    epoch: int
    step: int
    reason: str
    """Either ``epochs`` or ``early_stopping``."""
    best_epoch: int
    best_metric: float
    monitor: str
    seconds: float
    """Duration of this attempt, from its start."""


class Failed(Event, frozen=True, tag="failed"):
    """The run ended with an error; ``error`` is one line for the user."""

    error: str
    type: str
    traceback: str = ""


AnyEvent = (
    RunStarted | DataReady | Step | System | FreeMetrics | Epoch | CheckpointSaved | Warned | Resumed
    | Preempted | Stopped | Finished | Failed
)  # fmt: skip
ENDINGS = (Preempted, Stopped, Finished, Failed)
"""Events after which an attempt emits nothing more."""

_encoder = msgspec.json.Encoder()
# Not strict, so that the strings that replace values JSON cannot represent become floats again.
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent, strict=False)


def encode(event: Event) -> bytes:
    """Return the event's JSON line, without the line end.

    JSON has no NaN and no infinity. They are written as the strings ``"nan"``, ``"inf"`` and ``"-inf"`` and
    read back as numbers, because a NaN loss must stay visible.
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
    """Decode one line of a log; return ``None`` for plain text, a torn line or an unknown kind of event."""
    stripped = line.strip()
    start = stripped[:9] if isinstance(stripped, str) else stripped[:9].decode("utf-8", "replace")
    if start != PREFIX:
        return None
    try:
        return _decoder.decode(stripped)
    except UNDECODABLE:
        return None


def began(first: Event) -> dt.datetime:
    """Return when an attempt, and so the billing of its machine, began, from its first event."""
    if isinstance(first, RunStarted):
        return first.time - dt.timedelta(seconds=first.startup_seconds)
    return first.time


class Identity(msgspec.Struct, frozen=True, order=True):
    """Identity of an event within a run."""

    attempt: str
    seq: int


def identity(event: Event) -> Identity:
    """Return the key that identifies an event in a mirror, however often a stream delivers it."""
    return Identity(event.attempt, event.seq)
