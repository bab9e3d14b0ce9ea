"""The typed configuration of one experiment: frozen, strict, and complete once resolved.

Everything a run needs to be repeated is in here, apart from the data itself. The registry
(:mod:`core.config.registry`) builds an :class:`Experiment` from ``experiments.toml``; a run keeps a copy in
its ``run.toml``. Nothing here imports numpy or torch, so that listing versions stays instant.
"""

import datetime as dt
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from core.config.reported import Reported
from core.config.section import (
    Fraction,
    Line,
    NonNegative,
    NonNegativeFloat,
    Positive,
    PositiveFloat,
    Remark,
    Section,
    Seed,
)
from core.config.tuning import Range

Model = Literal["mlp", "conv_bilstm", "tcn", "unet1d", "hybrid", "transformer"]
MODELS: tuple[str, ...] = get_args(Model)
FeatureBlock = Literal[
    "coordinates", "speed", "acceleration", "engineered", "contact", "egocentric"
]
FEATURE_BLOCKS: tuple[str, ...] = get_args(FeatureBlock)
KeypointSet = Literal["mars7", "mabe18"]
KEYPOINT_SET_SIZES: dict[KeypointSet, int] = {"mars7": 7, "mabe18": 18}
MODAL_TIMEOUT_LIMIT = 86_400
"""Seconds; the longest time-out Modal grants one attempt."""
Width = Annotated[int, Meta(gt=0, le=65_536)]
"""Of a layer."""


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
    """Which frames are learned from, and how they are cut."""

    source: Literal["synthetic", "competition"] = "synthetic"
    """``synthetic`` makes its own small data set; ``competition`` needs ``--data``."""
    mice: Annotated[int, Meta(ge=1, le=4)] = 2
    keypoints: KeypointSet = "mars7"
    frames_per_second: Annotated[float, Meta(ge=1, le=1000)] = 33.3
    """Of the synthetic videos; the competition's state their own."""
    window: Annotated[int, Meta(ge=2, le=100_000)] = 100
    """Frames in a training window."""
    stride: Positive = 25
    """Frames between the starts of two training windows; validation windows do not overlap."""
    phase: Literal["fixed", "random"] = "fixed"
    """``random`` moves the windows of every video by up to a stride, anew in each epoch: with
    ``stride = window`` all frames are seen once an epoch, never in the same cut."""
    validation_fraction: Annotated[float, Meta(gt=0, lt=1)] = 0.2
    split_seed: Seed = 42
    """Apart from the training seed, so that seeds can be compared on one split."""
    validation_videos: tuple[str, ...] | None = None
    """Exactly these video ids for validation, instead of a random share."""
    synthetic_videos: Annotated[int, Meta(ge=2, le=100_000)] = 20
    synthetic_frames: Annotated[int, Meta(ge=100, le=5_000_000)] = 3000


class FeatureConfig(Section, frozen=True):
    """What the model is given for each frame."""

    inputs: tuple[FeatureBlock, ...] = ("coordinates",)
    """Blocks of columns. ``contact`` and ``egocentric`` are always in cm, whatever ``units`` says."""
    frame_gap: Positive = 1
    """Frames between the two positions whose difference is a speed."""
    interpolate_gap: NonNegative = 0
    """Longest run of missing frames that is filled linearly before differencing; 0 fills none."""
    mask_channels: bool = False
    """Adds one channel a keypoint that is 1 where it was tracked."""
    units: Literal["pixels", "cm"] = "pixels"
    rolling_window: Annotated[int, Meta(gt=0, le=100_000)] = 10
    """Frames of history in the rolling statistics of ``engineered``."""
    pca_components: Positive = 16
    clip: PositiveFloat | None = None
    """Largest standardised value, either way; none leaves all as they are."""


class ModelConfig(Section, frozen=True):
    """The network. Each architecture reads the keys it knows."""

    name: Model = "conv_bilstm"
    channels: tuple[Width, ...] | None = None
    """Widths of the convolutional blocks, or of the hidden layers of an MLP; none: the model's own."""
    kernel_size: Annotated[int, Meta(ge=1, le=1025)] = 3
    hidden_size: Width = 256
    """Width of the recurrent or attention layers."""
    layers: Annotated[int, Meta(gt=0, le=1024)] | None = None
    """Recurrent or attention layers; none: the model's own."""
    heads: Annotated[int, Meta(gt=0, le=1024)] = 8
    feed_forward: Width = 1024
    dropout: Fraction = 0.3


class AugmentationConfig(Section, frozen=True):
    """Changes made to training windows only."""

    noise_std: NonNegativeFloat = 0.0
    """Gaussian noise on positions, in standardised units, before differencing."""
    jitter_frames: NonNegative = 0
    """A window's start moves by up to this many frames either way."""


class TrainingConfig(Section, frozen=True):
    """How the model is fitted."""

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
    class_weights: tuple[NonNegativeFloat, ...] | None = None
    label_smoothing: Fraction = 0.0
    focal_gamma: Annotated[float, Meta(ge=0, le=100)] = 0.0
    """Exponent of the focal loss: frames the model is sure of count for less. 0 is cross-entropy."""
    balanced_sampling: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """0 takes every window once an epoch; 1 draws windows so that all classes come up equally often."""
    mixup_alpha: NonNegativeFloat = 0.0
    ema_decay: Fraction = 0.0
    """Share that the moving average of the weights keeps at each step; 0 keeps no average."""
    early_stopping_patience: Positive | None = None
    monitor: str = "f1_macro"
    """The validation metric that plateau, early stopping and ``best`` watch."""
    save_every: Positive = 5
    """Every so many epochs one checkpoint is kept for good, beside ``last`` and ``best``."""
    keep_last: Positive | None = None
    """Of those, only so many of the newest; none keeps them all."""
    mixed_precision: Literal["bf16", "fp16"] | None = None
    compile: bool = False
    """Train through ``torch.compile``."""
    processes: Annotated[int, Meta(gt=0, le=1024)] | None = None
    """Processes that share each batch; none: one for each GPU that ``hardware.gpu`` asks for."""
    seed: Seed = 42
    augmentation: AugmentationConfig = AugmentationConfig()


class Experiment(Section, frozen=True):
    """One version of the registry, with everything it inherits filled in."""

    name: str
    title: Line = ""
    extends: str | None = None
    status: Literal["planned", "current", "done", "retired"] = "planned"
    notes: dict[str, Remark] = msgspec.field(default_factory=dict)
    """Remarks by topic: other readings, decisions, what to know before running it."""
    assumed: tuple[str, ...] = ()
    """Key paths whose values no original document states: our choice."""
    classes: tuple[str, ...] = ("other", "social", "mating", "aggressive")
    actions: dict[str, str] = msgspec.field(default_factory=dict)
    """Action of the competition → class. What is absent counts as class 0 and is reported."""
    hardware: HardwareConfig = HardwareConfig()
    data: DataConfig = DataConfig()
    features: FeatureConfig = FeatureConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    tune: dict[str, Range] = msgspec.field(default_factory=dict)
    """Key path → what `mabe tune` may make of it."""
    reported: Reported | None = None


NOT_INHERITED = ("extends", "status", "title", "notes", "reported", "assumed")
"""Keys that speak of one version only, and so never pass to its children."""
NOT_SETTINGS = (*NOT_INHERITED, "name", "tune")
"""Keys that change nothing in a run."""


def to_table(section: msgspec.Struct) -> dict[str, Any]:
    """Return a struct as nested tables that TOML can hold: every key that is set, defaults included."""

    def without_null(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without_null(inner) for key, inner in value.items() if inner is not None}
        if isinstance(value, (list, tuple)):
            return [without_null(inner) for inner in value]
        return value

    table: dict[str, Any] = without_null(msgspec.to_builtins(section, builtin_types=(dt.datetime,)))
    return table


def flatten(experiment: Experiment) -> dict[str, object]:
    """Return every setting under its dotted key path, ``None`` where it is unset.

    What is only said about the version (notes, reported figures, ranges to tune) is left out.
    """
    flat: dict[str, object] = {}

    def walk(prefix: str, value: object) -> None:
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                walk(f"{prefix}.{key}" if prefix else key, inner)
        else:
            flat[prefix] = value

    tables = msgspec.to_builtins(experiment)
    walk("", {key: value for key, value in tables.items() if key not in NOT_SETTINGS})
    return flat
