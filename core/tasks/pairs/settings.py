"""Settings of the task ``pairs``, in addition to those of all tasks.

It loads neither numpy nor torch, so that listing versions stays instant.
"""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from core.config.experiment import HEADING, DataConfig, Experiment, TrainingConfig
from core.config.section import Fraction, Positive, PositiveFloat, Section, Seed
from core.errors import ConfigError

TASK = "pairs"
LABELS = ("negative", "positive")
"""In index order: whether the relation does not hold, or holds."""
Share = Annotated[float, Meta(ge=0, le=1)]
Relation = Literal["same", "greater"]
Swapped = Literal["same", "opposite"]


class PairsDataConfig(DataConfig, frozen=True):
    """Which pairs a run learns from."""

    written_order: ClassVar[tuple[str, ...]] = (
        "source",
        "arrays",
        "swapped",
        "digits_relation",
        "digits_pairs",
        "digits_seed",
        "digits_side",
    )
    source: Literal["digits", "npz"] = "digits"
    """``digits`` makes pairs of scikit-learn's handwritten digits; ``npz`` needs ``--data``."""
    arrays: tuple[str, str, str] | None = None
    """Names of the arrays of first images, second images and labels in the files. By default, the only three
    that can be these."""
    swapped: Swapped | None = None
    """What the label becomes if the two images change places: ``same`` of a symmetric relation, ``opposite``
    of an order. Not known by default; digits know theirs."""
    digits_relation: Relation = "same"
    """``same``: both images show one digit. ``greater``: the first digit is the greater one."""
    digits_pairs: Annotated[int, Meta(ge=40, le=20_000)] = 6000
    """Pairs of digits in train.npz and val.npz together, a fifth of them in the latter."""
    digits_seed: Seed = 42
    digits_side: Annotated[int, Meta(ge=12, le=64)] = 28
    """Height and width of an image of a digit."""

    @property
    def swapping(self) -> Swapped | None:
        """What the label becomes if the images change places; ``None`` if that is not known."""
        if self.source == "npz" or self.swapped is not None:
            return self.swapped
        return "same" if self.digits_relation == "same" else "opposite"


class PairsModelConfig(Section, frozen=True):
    """The model. Each kind of model reads its own keys."""

    chosen_by: ClassVar[str | None] = "name"
    of_one_choice: ClassVar[tuple[str, ...]] = ("layers", "block", "attention", "joined")
    name: Literal["plain_difference", "fusion", "resnet", "pyramid"] = "fusion"
    """``plain_difference``: the difference of two short convolutional codes. ``fusion``: a shared residual
    encoder with CBAM, and six fusions of its features. ``resnet``: a deeper encoder with
    squeeze-and-excitation. ``pyramid``: a resnet whose scales are merged from coarse to fine."""
    width: Annotated[int, Meta(ge=4, le=1024)] = 64
    """Channels of the first stage; each further stage has twice as many."""
    width_multiplier: Annotated[float, Meta(ge=0.1, le=8)] = 1.0
    """Factor on all channels."""
    layers: tuple[Positive, ...] | None = None
    """Residual blocks of each stage; by default those of the model."""
    block: Literal["basic", "bottleneck"] | None = None
    attention: Literal["none", "se", "cbam"] | None = None
    """What weighs the channels of a block, and with ``cbam`` its places, too."""
    joined: Literal["difference", "concatenation", "fusion", "heads"] | None = None
    """How the features of the two images become one answer. ``fusion``: six fusions with learned weights.
    ``heads``: an answer from each of five fusions, averaged with learned weights."""
    feature_size: Annotated[int, Meta(ge=4, le=4096)] = 256
    """Numbers by which an image is represented."""
    dropout: Fraction = 0.3


class PairsAugmentationConfig(Section, frozen=True):
    """Changes made to training images only; zeros are seen beyond an image's edge."""

    rotation: Annotated[float, Meta(ge=0, le=180)] = 0.0
    """Degrees, either way."""
    shift: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """Share of an image's width and height, either way."""
    crop: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """Smallest share of an image's area to which it is cropped, and enlarged again; 1 crops nothing."""
    together: bool = False
    """Whether both images of a pair are changed alike. By default each is changed in its own way, which
    suits a relation between what they show. Together suits a relation between how they show it, such as
    ``turned by the same angle``, which changing one of them would break."""
    swap: Share = 0.0
    """Share of pairs whose images change places; needs ``data.swapped`` to be known."""


class PairsTrainingConfig(TrainingConfig, frozen=True):
    """How a model of pairs is fitted."""

    label_smoothing: Fraction = 0.0
    """Share of a target that is spread evenly over both labels."""
    focal_gamma: Annotated[float, Meta(ge=0, le=100)] = 0.0
    """Exponent of the focal loss: pairs that the model is sure of count for less. 0 is cross-entropy."""
    focal_alpha: PositiveFloat = 1.0
    """Weight of positive pairs; that of negative ones is 1."""
    loss: str | None = None
    """A loss of one's own, as ``module:function``: called with logits and targets ``(pairs,)``, it returns
    the loss of each pair ``(pairs,)``. By default cross-entropy, focal where asked for."""
    monitor: str = "accuracy"
    """The validation metric that plateau, early stopping and ``best`` watch."""
    augmentation: PairsAugmentationConfig = PairsAugmentationConfig()


class PairsExperiment(Experiment, frozen=True):
    """One version whose task is a relation between two images."""

    written_order: ClassVar[tuple[str, ...]] = (*HEADING, "hardware", "data", "model")
    data: PairsDataConfig = PairsDataConfig()
    model: PairsModelConfig = PairsModelConfig()
    training: PairsTrainingConfig = PairsTrainingConfig()


def pairs_of(experiment: Experiment, what: str) -> PairsExperiment:
    """Return an experiment as one of this task.

    Args:
        experiment: of any task.
        what: is done for this task alone.

    Raises:
        ConfigError: it is of another task.
    """
    if isinstance(experiment, PairsExperiment):
        return experiment
    raise ConfigError(
        f"{what} is for the task {TASK!r}, and {experiment.name}'s is {experiment.task!r}"
    )
