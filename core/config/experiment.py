"""The settings that the experiments of all tasks have: frozen, strict, and complete once resolved.

A task adds its own in a subclass of :class:`Experiment`, which its :class:`~core.config.task_spec.TaskSpec`
names. With these, everything a run needs to be repeated is in an experiment, apart from the data itself. The
registry (:mod:`core.config.registry`) builds one from ``experiments.toml``; a run keeps a copy in its
``run.toml``. Nothing here imports numpy or torch, so that listing versions stays instant.
"""

import datetime as dt
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from core.config.reported import Reported
from core.config.section import (
    Fraction,
    Line,
    NonNegative,
    Positive,
    PositiveFloat,
    Remark,
    Section,
    Seed,
)
from core.config.tuning import Range

DEFAULT_TASK = "behaviour"
"""The task of a version that names none, and of every run from before there were others."""
MODAL_TIMEOUT_LIMIT = 86_400
"""Seconds; the longest time-out Modal grants one attempt."""


class HardwareConfig(Section, frozen=True):
    """Where a version runs, and with how much."""

    launcher: Literal["local", "modal"] = "local"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto`` takes CUDA where there is a device, else the CPU."""
    gpu: str | tuple[str, ...] | None = None
    """A name of :data:`~core.config.gpus.GPUS`, with ``:n`` for several and ``!`` for exactly this one, or an
    array, of which the first that is free is taken. Only launchers that rent machines read it."""
    region: str | tuple[str, ...] | None = None
    """Where to rent, such as ``us-east`` or ``eu``; Modal charges more for a chosen one."""
    cloud: str | None = None
    """Of whom to rent, such as ``aws``, ``gcp`` or ``oci``."""
    gpu_memory_gib: Positive | None = None
    memory_mib: Annotated[int, Meta(gt=0, le=16 * 2**20)] | None = None
    timeout_seconds: Annotated[int, Meta(gt=0, le=MODAL_TIMEOUT_LIMIT)] | None = None
    app_name: Line | None = None
    retries: Annotated[int, Meta(ge=0, le=10)] = 3
    """New containers after a preemption or a crash of the machine; a training error is not retried."""
    loader_workers: Annotated[int, Meta(ge=0, le=256)] = 0
    """Batches prepared ahead of the step that uses them; 0 prepares each when it is needed."""


class DataConfig(Section, frozen=True):
    """Which data are learned from, and which are kept for validation."""

    validation_fraction: Fraction = 0.2
    """Share of the units for validation, where ``folds`` is unset; 0 trains on all, and measures nothing."""
    split_seed: Seed = 42
    """Apart from the training seed, so that seeds can be compared on one split."""
    folds: Annotated[int, Meta(ge=2, le=1000)] | None = None
    """Parts that the units are cut into for cross-validation, each for validation once."""
    fold: Annotated[int, Meta(ge=0, le=999)] | None = None
    """The part for validation, from 0 to ``folds`` − 1."""

    @property
    def validates(self) -> bool:
        """Whether any unit is kept for validation."""
        return self.folds is not None or self.validation_fraction > 0


class TrainingConfig(Section, frozen=True):
    """How a model is fitted."""

    epochs: Positive = 100
    batch_size: Positive = 64
    accumulation_steps: Annotated[int, Meta(gt=0, le=65_536)] = 1
    learning_rate: Annotated[float, Meta(gt=0, le=1000)] = 3e-4
    min_learning_rate: Annotated[float, Meta(ge=0, le=1000)] = 1e-5
    warmup_epochs: NonNegative = 0
    """Epochs over which the learning rate rises linearly; epoch ``i`` of ``n`` gets ``i / n`` of it."""
    optimizer: Literal["adamw"] = "adamw"
    weight_decay: Annotated[float, Meta(ge=0, le=1000)] = 1e-4
    gradient_clip: PositiveFloat | None = None
    scheduler: Literal["plateau", "cosine"] | None = None
    plateau_patience: NonNegative = 5
    plateau_factor: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    ema_decay: Fraction = 0.0
    """Share that the moving average of the weights keeps at each step; 0 keeps no average."""
    early_stopping_patience: Positive | None = None
    monitor: str = "loss"
    """The validation metric that plateau, early stopping and ``best`` watch."""
    save_every: Positive = 5
    """Every so many epochs one checkpoint is kept for good, beside ``last`` and ``best``."""
    keep_last: Positive | None = None
    """Of those, only so many of the newest; none keeps them all."""
    keep_predictions: bool = False
    """Keep the validation predictions of the best epoch: an ensemble is made of them."""
    mixed_precision: Literal["bf16", "fp16"] | None = None
    compile: bool = False
    """Train through ``torch.compile``."""
    processes: Annotated[int, Meta(gt=0, le=1024)] | None = None
    """Processes that share each batch; none: one for each GPU that ``hardware.gpu`` asks for."""
    seed: Seed = 42


class Experiment(Section, frozen=True):
    """One version of the registry, with everything it inherits filled in: what all tasks share of it."""

    name: str
    title: Line = ""
    extends: str | None = None
    status: Literal["planned", "current", "done", "retired"] = "planned"
    notes: dict[str, Remark] = msgspec.field(default_factory=dict)
    """Remarks by topic: other readings, decisions, what to know before running it."""
    assumed: tuple[str, ...] = ()
    """Key paths whose values no original document states: our choice."""
    task: str = DEFAULT_TASK
    """What is learned: a name that :func:`core.config.task_spec.task_spec` knows."""
    hardware: HardwareConfig = HardwareConfig()
    data: DataConfig = DataConfig()
    training: TrainingConfig = TrainingConfig()
    tune: dict[str, Range] = msgspec.field(default_factory=dict)
    """Key path → what `mabe tune` may make of it."""
    reported: Reported | None = None


NOT_INHERITED = ("extends", "status", "title", "notes", "reported", "assumed")
"""Keys that speak of one version only, and so never pass to its children."""
NOT_SETTINGS = (*NOT_INHERITED, "name", "tune")
"""Keys that change nothing in a run."""
ADDED: dict[str, object] = {
    "task": DEFAULT_TASK,
    "data.folds": None,
    "data.fold": None,
    "training.keep_predictions": False,
}
"""Settings that came after digests of settings were first kept on disk, with their defaults: while they have
these, digests are what they were."""


def to_builtins(section: msgspec.Struct) -> dict[str, Any]:
    """Return a struct as nested tables in the order of their sections, ``None`` where a key is unset."""
    return {
        key: to_builtins(value)
        if isinstance(value := getattr(section, name), msgspec.Struct)
        else msgspec.to_builtins(value, builtin_types=(dt.datetime,))
        for name, key in _written_order(type(section))
    }


@cache
def _written_order(kind: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    """Return the names of a struct's fields, and the keys that they are written under."""
    keys = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
    first = kind.written_order if issubclass(kind, Section) else ()
    return tuple((name, keys[name]) for name in dict.fromkeys((*first, *keys)))


def to_table(section: msgspec.Struct) -> dict[str, Any]:
    """Return a struct as nested tables that TOML can hold: every key that is set, defaults included."""

    def without_null(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without_null(inner) for key, inner in value.items() if inner is not None}
        if isinstance(value, (list, tuple)):
            return [without_null(inner) for inner in value]
        return value

    table: dict[str, Any] = without_null(to_builtins(section))
    return table


def flatten(experiment: Experiment) -> dict[str, object]:
    """Return every setting by its dotted key path, ``None`` where it is unset.

    What is only said about the version (notes, reported figures, ranges to tune) is left out.
    """
    tables = to_builtins(experiment)
    settings = {key: value for key, value in tables.items() if key not in NOT_SETTINGS}
    return dict(_leaves("", settings))


def _leaves(prefix: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(f"{prefix}.{key}" if prefix else key, inner)
    else:
        yield prefix, value


def identity(experiment: Experiment) -> dict[str, object]:
    """Return the settings that digests are made of and that kept settings are compared by.

    They are those of :func:`flatten` without the :data:`ADDED` ones at their defaults, so that what an older
    mabe kept still belongs to the same settings.
    """
    settings = flatten(experiment)
    return {k: v for k, v in settings.items() if k not in ADDED or v != ADDED[k]}
