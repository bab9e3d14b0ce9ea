"""What cannot be in an experiment of the behaviour task: values that make no sense together.

It loads neither numpy nor torch: ``mabe list`` goes through it.
"""

from collections.abc import Iterator

from core.data.keypoints import SLOTS_18, slots_of_set
from core.features.settings import FEATURE_BLOCKS, FeatureConfig
from core.models.settings import ModelConfig
from core.tasks.behaviour.settings import BehaviourDataConfig, BehaviourExperiment

FEWEST_SYNTHETIC_MICE = 2
MOST_SYNTHETIC_MICE = 4
ORIENTED_BLOCKS = ("contact", "egocentric")
"""Feature blocks that need the two ends of a mouse."""
ENDS = ("nose", "tail_base")
ODD_KERNEL_MODELS = ("conv_bilstm", "tcn", "unet1d")

Found = Iterator[tuple[str, str]]


def problems(experiment: BehaviourExperiment) -> list[tuple[str, str]]:
    """Find values that are impossible together: pairs of key path and sentence."""
    features, data = experiment.features, experiment.data
    return [
        *_model(experiment.model, features),
        *_data(data),
        *_classes(experiment),
        *_features(features, data),
        *_class_weights(experiment),
    ]


def _data(data: BehaviourDataConfig) -> Found:
    yield from _keypoints(data)
    if data.source == "synthetic" and data.mice > MOST_SYNTHETIC_MICE:
        yield "data.mice", f"synthetic videos have {MOST_SYNTHETIC_MICE} mice at most"
    if data.source == "synthetic" and data.mice < FEWEST_SYNTHETIC_MICE:
        alone = (
            f"synthetic videos have {FEWEST_SYNTHETIC_MICE} mice at least: one has nobody to act on"
        )
        yield "data.mice", alone
    if data.stride > data.window:
        gaps = f"{data.stride} is more than data.window = {data.window}: frames would be left out"
        yield "data.stride", gaps
    if data.folds is not None and data.validation_videos is not None:
        yield (
            "data.folds",
            "cannot be had with data.validation_videos: both say what to validate on",
        )


def _keypoints(data: BehaviourDataConfig) -> Found:
    slots = (
        tuple(data.keypoints)
        if not isinstance(data.keypoints, str)
        else slots_of_set(data.keypoints)
    )
    if twice := next((part for part in slots if slots.count(part) > 1), None):
        yield "data.keypoints", f"{twice!r} is named twice"
    strange = {part for chain in data.skeleton for part in chain} - {*slots}
    if strange:
        yield "data.skeleton", f"{min(strange)!r} is not one of data.keypoints: {', '.join(slots)}"
    if data.source == "synthetic" and (unknown := [part for part in slots if part not in SLOTS_18]):
        yield (
            "data.keypoints",
            f"synthetic mice have no {unknown[0]!r}; they have {', '.join(SLOTS_18)}",
        )


def _classes(experiment: BehaviourExperiment) -> Found:
    classes = experiment.classes
    if len(set(classes)) < max(2, len(classes)):
        yield "classes", "at least two classes are needed, each named once"
    for action, name in experiment.actions.items():
        if name not in classes:
            problem = f"{name!r} is not one of the classes {', '.join(classes)}"
            yield f"actions.{action}", problem


def _class_weights(experiment: BehaviourExperiment) -> Found:
    weights, classes = experiment.training.class_weights, experiment.classes
    if weights is None:
        return
    if len(weights) != len(classes):
        unequal = f"{len(weights)} weights for the {len(classes)} classes {', '.join(classes)}"
        yield "training.class_weights", unequal
    if not any(weights):
        yield "training.class_weights", "at least one weight must be above 0"


def _features(features: FeatureConfig, data: BehaviourDataConfig) -> Found:
    if not features.inputs or len(set(features.inputs)) != len(features.inputs):
        once = f"name at least one of {', '.join(FEATURE_BLOCKS)}, each once"
        yield "features.inputs", once
    slots = tuple(data.keypoints) if not isinstance(data.keypoints, str) else ENDS
    for name in ORIENTED_BLOCKS:
        missing = [part for part in ENDS if part not in slots]
        if name in features.inputs and missing:
            yield "features.inputs", f"{name!r} needs {' and '.join(missing)} among data.keypoints"
    if "engineered" in features.inputs:
        yield from _engineered(features, data)


def _engineered(features: FeatureConfig, data: BehaviourDataConfig) -> Found:
    if (data.mice, data.keypoints) != (2, "mars7"):
        yield "features.inputs", "'engineered' needs data.mice = 2 and data.keypoints = \"mars7\""
        return
    coordinates = 2 * data.mice * len(slots_of_set(data.keypoints))
    if features.pca_components > coordinates:
        most = f"{features.pca_components} components of {coordinates} coordinates; use at most"
        yield "features.pca_components", f"{most} {coordinates}"


def _model(model: ModelConfig, features: FeatureConfig) -> Found:
    if model.name in ODD_KERNEL_MODELS and model.kernel_size % 2 == 0:
        lower, upper = model.kernel_size - 1, model.kernel_size + 1
        even = f"{model.kernel_size} is even, and leaves no frame in its middle; use {lower} or {upper}"
        yield "model.kernel_size", even
    if model.name != "transformer" and model.channels == ():
        widths = f"{model.name!r} needs at least one width; leave the key out for its own"
        yield "model.channels", widths
    if model.name == "transformer":
        yield from _transformer(model)
    if model.name == "hybrid" and "coordinates" not in features.inputs:
        more = ", ".join(f'"{name}"' for name in ("coordinates", *features.inputs))
        yield "model.name", f"'hybrid' encodes keypoints, so it needs features.inputs = [{more}]"


def _transformer(model: ModelConfig) -> Found:
    if model.hidden_size % 2:
        odd = f"{model.hidden_size} is odd, but positions are sines and cosines in equal number"
        yield "model.hidden_size", f"{odd}; use an even width"
    if model.hidden_size % model.heads:
        uneven = f"hidden_size {model.hidden_size} cannot be divided into {model.heads} heads"
        yield "model.heads", uneven
