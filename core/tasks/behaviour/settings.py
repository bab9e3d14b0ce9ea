"""What an experiment of the behaviour task has beyond the settings of all tasks.

It loads neither numpy nor torch, so that listing versions stays instant.
"""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from core.config.experiment import DEFAULT_TASK, HEADING, DataConfig, Experiment, TrainingConfig
from core.config.section import Fraction, NonNegative, NonNegativeFloat, Positive, Section
from core.data.keypoints import BodyPart, Keypoints
from core.errors import ConfigError
from core.features.settings import FeatureConfig
from core.models.settings import ModelConfig


class BehaviourDataConfig(DataConfig, frozen=True):
    """Which frames are learned from, and how they are cut."""

    written_order: ClassVar[tuple[str, ...]] = (
        "source",
        "mice",
        "keypoints",
        "frames_per_second",
        "window",
        "stride",
        "phase",
    )
    source: Literal["synthetic", "competition"] = "synthetic"
    """``synthetic`` makes its own small data set; ``competition`` needs ``--data``."""
    mice: Annotated[int, Meta(ge=1, le=20)] = 2
    keypoints: Keypoints = "mars7"
    """A set's name, or any body parts, such as ``["nose", "neck", "tail_base"]``."""
    skeleton: tuple[Annotated[tuple[BodyPart, ...], Meta(min_length=2)], ...] = ()
    """Chains of body parts that pictures connect; by default, those of the known parts."""
    frames_per_second: Annotated[float, Meta(ge=1, le=1000)] = 33.3
    """Of the synthetic videos; the competition's state their own."""
    window: Annotated[int, Meta(ge=2, le=100_000)] = 100
    """Frames in a training window."""
    stride: Positive = 25
    """Frames between the starts of two training windows; validation windows do not overlap."""
    phase: Literal["fixed", "random"] = "fixed"
    """``random`` moves the windows of every video by up to a stride, anew in each epoch: with
    ``stride = window`` all frames are seen once an epoch, never in the same cut."""
    validation_videos: tuple[str, ...] | None = None
    """Exactly these video ids for validation, instead of a random share; an empty array: none at all."""
    synthetic_videos: Annotated[int, Meta(ge=2, le=100_000)] = 20
    synthetic_frames: Annotated[int, Meta(ge=100, le=5_000_000)] = 3000

    @property
    def validates(self) -> bool:
        """Whether any video is kept for validation."""
        if self.validation_videos is not None:
            return bool(self.validation_videos)
        return super().validates


class AugmentationConfig(Section, frozen=True):
    """Changes made to training windows only."""

    noise_std: NonNegativeFloat = 0.0
    """Gaussian noise on positions, in standardised units, before differencing."""
    jitter_frames: NonNegative = 0
    """A window's start moves by up to this many frames either way."""


class BehaviourTrainingConfig(TrainingConfig, frozen=True):
    """How a frame classifier is fitted."""

    written_order: ClassVar[tuple[str, ...]] = (
        "epochs",
        "batch_size",
        "accumulation_steps",
        "learning_rate",
        "min_learning_rate",
        "warmup_epochs",
        "optimizer",
        "weight_decay",
        "gradient_clip",
        "scheduler",
        "plateau_patience",
        "plateau_factor",
        "class_weights",
        "label_smoothing",
        "focal_gamma",
        "balanced_sampling",
        "mixup_alpha",
    )
    class_weights: tuple[NonNegativeFloat, ...] | None = None
    label_smoothing: Fraction = 0.0
    focal_gamma: Annotated[float, Meta(ge=0, le=100)] = 0.0
    """Exponent of the focal loss: frames the model is sure of count for less. 0 is cross-entropy."""
    balanced_sampling: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """0 takes every window once an epoch; 1 draws windows so that all classes come up equally often."""
    mixup_alpha: NonNegativeFloat = 0.0
    monitor: str = "f1_macro"
    """The validation metric that plateau, early stopping and ``best`` watch."""
    augmentation: AugmentationConfig = AugmentationConfig()


class BehaviourExperiment(Experiment, frozen=True):
    """One version whose task is one behaviour for each frame."""

    written_order: ClassVar[tuple[str, ...]] = (
        *HEADING,
        "classes",
        "actions",
        "hardware",
        "data",
        "features",
        "model",
    )
    classes: tuple[str, ...] = ("other", "social", "mating", "aggressive")
    actions: dict[str, str] = msgspec.field(default_factory=dict)
    """Action of the competition → class. What is absent counts as class 0 and is reported."""
    data: BehaviourDataConfig = BehaviourDataConfig()
    features: FeatureConfig = FeatureConfig()
    model: ModelConfig = ModelConfig()
    training: BehaviourTrainingConfig = BehaviourTrainingConfig()


def behaviour_of(experiment: Experiment, what: str) -> BehaviourExperiment:
    """Return an experiment as one of this task.

    Args:
        experiment: of any task.
        what: is done for this task alone, as in ``mabe data check``.

    Raises:
        ConfigError: it is of another task.
    """
    if isinstance(experiment, BehaviourExperiment):
        return experiment
    raise ConfigError(
        f"{what} is for the task {DEFAULT_TASK!r}, and {experiment.name}'s is {experiment.task!r}"
    )
