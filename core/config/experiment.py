"""The settings that all tasks share: frozen, strict, and complete once resolved.

A task adds its own in a subclass of :class:`Experiment`, which its :class:`~core.config.task_spec.TaskSpec`
names. Together they contain everything needed to repeat a run, except the data. The
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
"""The task of a version that names none, and of every run made before there were other tasks."""
MODAL_TIMEOUT_LIMIT = 86_400
"""Seconds; the longest time-out that Modal allows for one attempt."""


class HardwareConfig(Section, frozen=True):
    """The launcher and the resources of a version's runs."""

    launcher: Literal["local", "modal"] = "local"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto`` uses CUDA if a device is available, else the CPU."""
    gpu: str | tuple[str, ...] | None = None
    """A name in :data:`~core.config.gpus.GPUS`, with ``:n`` for several and ``!`` for exactly this one, or an
    array, of which the first available one is used. Only launchers that rent machines read it."""
    region: str | tuple[str, ...] | None = None
    """Region to rent in, such as ``us-east`` or ``eu``; Modal charges more for a specific one."""
    cloud: str | None = None
    """Provider to rent from, such as ``aws``, ``gcp`` or ``oci``."""
    gpu_memory_gib: Positive | None = None
    memory_mib: Annotated[int, Meta(gt=0, le=16 * 2**20)] | None = None
    timeout_seconds: Annotated[int, Meta(gt=0, le=MODAL_TIMEOUT_LIMIT)] | None = None
    app_name: Line | None = None
    retries: Annotated[int, Meta(ge=0, le=10)] = 3
    """New containers after a preemption or a crash of the machine; a training error is not retried."""
    loader_workers: Annotated[int, Meta(ge=0, le=256)] = 0
    """Batches prepared in advance; 0 prepares each on demand."""


class DataConfig(Section, frozen=True):
    """The choice of data, and their split into training and validation."""

    validation_fraction: Fraction = 0.2
    """Share of the units for validation, if ``folds`` is unset; 0 trains on all and validates nothing."""
    split_seed: Seed = 42
    """Separate from the training seed, so that seeds can be compared on one split."""
    folds: Annotated[int, Meta(ge=2, le=1000)] | None = None
    """Number of parts for cross-validation; each is used for validation once."""
    fold: Annotated[int, Meta(ge=0, le=999)] | None = None
    """The part for validation, from 0 to ``folds`` − 1."""

    @property
    def validates(self) -> bool:
        """Whether any unit is kept for validation."""
        return self.folds is not None or self.validation_fraction > 0


class TrainingConfig(Section, frozen=True):
    """The training of a model."""

    epochs: Positive = 100
    batch_size: Positive = 64
    accumulation_steps: Annotated[int, Meta(gt=0, le=65_536)] = 1
    learning_rate: Annotated[float, Meta(gt=0, le=1000)] = 3e-4
    min_learning_rate: Annotated[float, Meta(ge=0, le=1000)] = 1e-5
    warmup_epochs: NonNegative = 0
    """Epochs of linear learning-rate warm-up; epoch ``i`` of ``n`` uses ``i / n`` of the rate."""
    optimizer: Literal["adamw"] = "adamw"
    weight_decay: Annotated[float, Meta(ge=0, le=1000)] = 1e-4
    gradient_clip: PositiveFloat | None = None
    scheduler: Literal["plateau", "cosine"] | None = None
    plateau_patience: NonNegative = 5
    plateau_factor: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    ema_decay: Fraction = 0.0
    """Decay of the moving average of the weights at each step; 0 keeps no average."""
    early_stopping_patience: Positive | None = None
    monitor: str = "loss"
    """The validation metric for plateau, early stopping and ``best``."""
    save_every: Positive = 5
    """Interval in epochs of permanent checkpoints, beside ``last`` and ``best``."""
    keep_last: Positive | None = None
    """Number of newest permanent checkpoints to keep; none keeps them all."""
    keep_predictions: bool = False
    """Keep the validation predictions of the best epoch: an ensemble is computed from them."""
    start_from: str | None = None
    """Begin with the weights of another run's checkpoint, as ``RUN`` or ``RUN@best``, wherever name and shape
    are the same; by default, with random ones."""
    frozen: tuple[str, ...] = ()
    """Regular expressions: parameters whose names begin with a match are not trained, so that a module's name
    stands for the whole module."""
    pseudo_labels: str | None = None
    """Also learn from what a run, named as ``RUN`` or ``RUN@best``, predicts on unlabelled data. Tasks
    that cannot refuse it."""
    pseudo_share: Annotated[float, Meta(gt=0, lt=1)] = 0.25
    """Share of an epoch's batches that are of such data."""
    teacher: str | None = None
    """Also learn from the probabilities that another run, named as ``RUN`` or ``RUN@best``, gives the
    training examples (distillation, Hinton et al. 2015). Tasks that cannot refuse it."""
    teacher_temperature: Annotated[float, Meta(gt=0, le=100)] = 3.0
    """The teacher's and the model's probabilities are softened by this: both logits are divided by it."""
    teacher_share: Annotated[float, Meta(ge=0, le=1)] = 0.7
    """Share of the loss that the teacher's probabilities have; the labels have the rest."""
    mixed_precision: Literal["bf16", "fp16"] | None = None
    compile: bool = False
    """Train with ``torch.compile``."""
    checkpoint_activations: bool = False
    """Keep less of the forward pass in memory, and compute it again for the gradients: the same weights,
    more slowly."""
    processes: Annotated[int, Meta(gt=0, le=1024)] | None = None
    """Processes that share each batch; by default, one for each GPU in ``hardware.gpu``."""
    seed: Seed = 42


How = Literal["mean", "weighted", "rank", "logistic", "stack"]


class EnsembleConfig(Section, frozen=True):
    """The versions whose runs an ensemble is made of, and how their predictions become one."""

    members: Annotated[tuple[str, ...], Meta(min_length=1, max_length=100)]
    """Versions of the same task; each stands for its newest finished runs, of all seeds and folds."""
    how: How = "mean"
    """``weighted``: one weight a member; ``rank``: mean of ranks; ``logistic``: a logistic regression;
    ``stack``: gradient boosting. All but ``mean`` are fitted on out-of-fold predictions."""
    folds: Annotated[int, Meta(ge=2, le=1000)] = 5
    """Parts of the validation units: what is fitted is measured on a part that it has not seen."""
    seed: Seed = 42
    """Of those parts and of what is fitted."""


HEADING = ("name", "title", "extends", "status", "group", "notes", "assumed", "task", "ensemble")
"""Keys of an experiment that are written before its tables."""


class Experiment(Section, frozen=True):
    """One version of the registry, with all inherited settings filled in: the part that all tasks share."""

    name: str
    title: Line = ""
    extends: str | None = None
    status: Literal["planned", "current", "done", "retired"] = "planned"
    notes: dict[str, Remark] = msgspec.field(default_factory=dict)
    """Remarks by topic: ambiguities, decisions, and advice before running it."""
    assumed: tuple[str, ...] = ()
    """Key paths whose values are in no original document: our choice."""
    group: Annotated[str, Meta(max_length=40, pattern="^[A-Za-z0-9][A-Za-z0-9_.-]*$")] | None = None
    """The versions that it is listed, trained and evaluated with, as in ``mabe run --all GROUP``."""
    task: str = DEFAULT_TASK
    """The task: a name that :func:`core.config.task_spec.task_spec` knows."""
    ensemble: EnsembleConfig | None = None
    """What its runs are made of, if not trained."""
    hardware: HardwareConfig = HardwareConfig()
    data: DataConfig = DataConfig()
    training: TrainingConfig = TrainingConfig()
    tune: dict[str, Range] = msgspec.field(default_factory=dict)
    """Key path → the range that `mabe tune` searches."""
    reported: Reported | None = None


NOT_INHERITED = ("extends", "status", "title", "notes", "reported", "assumed")
"""Keys that describe one version only, and are not inherited."""
NOT_SETTINGS = (*NOT_INHERITED, "name", "group", "tune")
"""Keys that do not affect a run."""
ADDED: dict[str, object] = {
    "task": DEFAULT_TASK,
    "data.folds": None,
    "data.fold": None,
    "data.skeleton": (),
    "training.keep_predictions": False,
    "training.start_from": None,
    "training.frozen": (),
    "training.pseudo_labels": None,
    "training.pseudo_share": 0.25,
    "training.checkpoint_activations": False,
    "training.teacher": None,
    "training.teacher_temperature": 3.0,
    "training.teacher_share": 0.7,
    "ensemble": None,
}
"""Settings added after digests of settings were first stored on disk, with their defaults: at these values,
they do not change the digests."""


def to_builtins(section: msgspec.Struct) -> dict[str, Any]:
    """Return a struct as nested tables in the order of their sections, with ``None`` for unset keys."""
    return {
        key: to_builtins(value)
        if isinstance(value := getattr(section, name), msgspec.Struct)
        else msgspec.to_builtins(value, builtin_types=(dt.datetime,))
        for name, key in _written_order(type(section))
    }


@cache
def _written_order(kind: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    """Return the names of a struct's fields, and the keys under which they are written."""
    keys = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
    first = kind.written_order if issubclass(kind, Section) else ()
    return tuple((name, keys[name]) for name in dict.fromkeys((*first, *keys)))


def to_table(section: msgspec.Struct) -> dict[str, Any]:
    """Return a struct as nested tables that TOML can represent: every set key, defaults included."""

    def without_null(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without_null(inner) for key, inner in value.items() if inner is not None}
        if isinstance(value, (list, tuple)):
            return [without_null(inner) for inner in value]
        return value

    table: dict[str, Any] = without_null(to_builtins(section))
    return table


def flatten(experiment: Experiment) -> dict[str, object]:
    """Return every setting by its dotted key path, ``None`` if unset.

    Keys that only describe the version (notes, reported figures, ranges to tune) are left out.
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
    """Return the settings from which digests are computed and by which stored settings are compared.

    They are those of :func:`flatten` without the :data:`ADDED` ones at their defaults, so that files of an
    older mabe still match the same settings.
    """
    settings = flatten(experiment)
    return {k: v for k, v in settings.items() if k not in ADDED or v != ADDED[k]}
