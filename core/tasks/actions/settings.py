"""Settings of the task ``actions``, in addition to those of all tasks.

It loads neither numpy nor torch, so that listing versions stays instant.
"""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from core.config.experiment import HEADING, DataConfig, Experiment, TrainingConfig
from core.config.section import Fraction, NonNegativeFloat, Positive, Section
from core.data.known_faults import SUSPECT_LABELS
from core.errors import ConfigError

TASK = "actions"
MICE = 4
"""Mouse slots of the prepared data; no video of the competition has more."""
KEYPOINTS = "mabe18"
Share = Annotated[float, Meta(ge=0, le=1)]
Width = Annotated[int, Meta(gt=0, le=8192)]


class ActionsDataConfig(DataConfig, frozen=True):
    """Which videos a run learns from, and how they are cut into windows."""

    written_order: ClassVar[tuple[str, ...]] = ("source", "frames_per_second", "window")
    source: Literal["synthetic", "competition"] = "synthetic"
    """``synthetic`` makes its own small data set; ``competition`` needs ``--data``."""
    frames_per_second: Annotated[float, Meta(ge=1, le=240)] = 30.0
    """Frame rate to which all videos are resampled: coordinates are interpolated linearly, and labels are
    those of the nearest frame."""
    window: Annotated[int, Meta(ge=8, le=16_384)] = 512
    """Frames of a window, at that rate."""
    left_out_labs: tuple[str, ...] = ("MABe22_keypoints", "MABe22_movies")
    """Labs whose videos are neither trained nor validated on. None of the default ones' videos is labelled in
    the competition's files."""
    left_out_videos: tuple[str, ...] = SUSPECT_LABELS["AdaptableSnail"]
    """Videos that are neither trained nor validated on. By default, the four of AdaptableSnail whose labels
    were made at another frame rate and with swapped mice, as several teams found."""
    training_only_labs: tuple[str, ...] = (
        "CalMS21_supplemental",
        "CalMS21_task1",
        "CalMS21_task2",
        "CRIM13",
    )
    """Labs that are never validated on, because they are not in the competition's test set."""
    label_rates: dict[str, Annotated[float, Meta(gt=0, le=1000)]] = msgspec.field(
        default_factory=dict
    )
    """Lab → frame rate of its annotations, if it differs from the video's. Predicted frame numbers are
    converted to it: 30 for AdaptableSnail multiplies those of its videos at 25 by 30 / 25."""
    validation_videos: tuple[str, ...] | None = None
    """Ids of the videos to validate on, in place of a share; if empty, the run trains on everything."""
    other_actions: tuple[str, ...] = ()
    """Actions of pairs beyond the competition's 37, such as those of another data set."""
    synthetic_videos: Annotated[int, Meta(ge=2, le=100_000)] = 12
    synthetic_frames: Annotated[int, Meta(ge=100, le=5_000_000)] = 1800
    synthetic_mice: Annotated[int, Meta(ge=2, le=MICE)] = 2
    synthetic_labs: Annotated[int, Meta(ge=1, le=26)] = 2

    @property
    def validates(self) -> bool:
        """Whether any video is kept for validation."""
        if self.validation_videos is not None:
            return bool(self.validation_videos)
        return super().validates


class ActionsModelConfig(Section, frozen=True):
    """The model. Each kind of model reads its own keys."""

    chosen_by: ClassVar[str | None] = "name"
    of_one_choice: ClassVar[tuple[str, ...]] = ("trunk", "layers")
    name: Literal["two_trunk", "boost"] = "two_trunk"
    """``two_trunk``: a network with a trunk for single mice and one for pairs. ``boost``: gradient boosting
    on window statistics, a model per action and lab; needs LightGBM (``pip install 'mabe[boost]'``)."""
    trunk: Literal["bigru", "attention", "tcn"] = "bigru"
    """What follows the convolutions: recurrent layers, attention with rotary positions, or dilated
    convolutions."""
    width: Width = 256
    layers: Annotated[int, Meta(gt=0, le=64)] | None = None
    """Context layers of each trunk; by default, 2 for ``bigru``, 4 for ``attention``, 5 for ``tcn``."""
    kernels: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=255)], ...], Meta(min_length=1, max_length=16)
    ] = (3, 5, 7, 9)
    """Sizes of the parallel convolutions before each trunk; odd."""
    heads: Annotated[int, Meta(gt=0, le=256)] = 8
    """Attention heads; for ``attention`` only."""
    dropout: Fraction = 0.1
    embedding: Width = 16
    """Width of the embeddings of lab and sex."""
    rounds: Positive = 400
    """Trees of each boosted model. This and all that follow are for ``boost`` only."""
    shrinkage: Annotated[float, Meta(gt=0, le=1)] = 0.05
    """Share of each tree's answer that counts, also called its learning rate."""
    leaves: Annotated[int, Meta(ge=2, le=4096)] = 7
    """Leaves of a tree."""
    leaf_examples: Positive = 60
    """Least number of training frames in a leaf; less if an action is rare."""
    column_share: Annotated[float, Meta(gt=0, le=1)] = 0.2
    """Share of the statistics that each tree sees."""
    row_share: Annotated[float, Meta(gt=0, le=1)] = 0.7
    """Share of the frames that each tree sees."""
    l2: NonNegativeFloat = 5.0
    """L2 regularisation of the leaves' values."""
    examples: Annotated[int, Meta(ge=100, le=100_000_000)] = 100_000
    """Approximate number of frames of a lab that its models are fitted on. Frames without an action are taken
    more rarely, with a larger weight. 100,000 need about half a gigabyte."""


class ActionsAugmentationConfig(Section, frozen=True):
    """Augmentation of training windows.

    It does not rotate the scene: in the agent's coordinates, that would change nothing.
    """

    time_stretch: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    """A window is played faster or slower by up to this share."""
    scale: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    """Lengths are multiplied by a factor that differs from 1 by up to this share."""
    flip: Share = 0.0
    """Share of windows that are mirrored, with left and right keypoints swapped."""
    part_dropout: Fraction = 0.0
    """Probability that a body part is missing throughout a window."""
    lab_dropout: Fraction = 0.0
    """Share of windows whose lab is hidden from the model."""


class ActionsTrainingConfig(TrainingConfig, frozen=True):
    """How a model of actions is trained."""

    focal_gamma: Annotated[float, Meta(ge=0, le=100)] = 0.0
    """Exponent of the focal loss: frames the model is sure of count for less. 0 is cross-entropy."""
    even_labs: bool = True
    """Whether a window counts the same in the loss however many actions its lab annotates; if not, each
    annotated action counts the same."""
    positive_share: Share = 0.5
    """Share of the windows that are drawn around a frame with an action; the others are drawn uniformly.
    For both, a lab is drawn first, uniformly."""
    windows_per_epoch: Positive | None = None
    """Windows of an epoch; by default, as many as are needed to cover every pair of the training videos."""
    threshold: Annotated[float, Meta(gt=0, lt=1)] = 0.3
    """In validation, a pair does its most probable action in a frame if the probability reaches this."""
    monitor: str = "score"
    """The validation metric that plateau, early stopping and ``best`` watch."""
    learning_rate: Annotated[float, Meta(gt=0, le=1000)] = 1e-3
    weight_decay: NonNegativeFloat = 1e-2
    augmentation: ActionsAugmentationConfig = ActionsAugmentationConfig()


class ActionsExperiment(Experiment, frozen=True):
    """A version whose task is every action of every mouse and every ordered pair."""

    written_order: ClassVar[tuple[str, ...]] = (
        *HEADING,
        "hardware",
        "data",
        "model",
    )
    task: str = TASK
    data: ActionsDataConfig = ActionsDataConfig()
    model: ActionsModelConfig = ActionsModelConfig()
    training: ActionsTrainingConfig = msgspec.field(default_factory=ActionsTrainingConfig)


def actions_of(experiment: Experiment, what: str) -> ActionsExperiment:
    """Return an experiment, typed as one of this task.

    Args:
        experiment: an experiment of any task.
        what: what needs this task, for the error, such as "predicting".

    Raises:
        ConfigError: the experiment is of another task.
    """
    if isinstance(experiment, ActionsExperiment):
        return experiment
    raise ConfigError(
        f"{what} is for the task {TASK!r}, but {experiment.name}'s is {experiment.task!r}"
    )
