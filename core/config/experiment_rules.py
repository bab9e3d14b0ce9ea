"""What cannot be in an experiment: values that types allow and that make no sense together.

It loads neither numpy nor torch: ``mabe list`` goes through it.
"""

import math
from collections.abc import Iterator

import msgspec

from core.config.experiment import (
    FEATURE_BLOCKS,
    KEYPOINT_SET_SIZES,
    DataConfig,
    Experiment,
    FeatureConfig,
    ModelConfig,
    flatten,
)
from core.config.gpus import gpu_problem
from core.config.training_rules import training_problems
from core.config.tuning import range_problems

FEWEST_SYNTHETIC_MICE = 2
ODD_KERNEL_MODELS = ("conv_bilstm", "tcn", "unet1d")


def problems(experiment: Experiment) -> list[tuple[str, str]]:
    """Find what types alone cannot: values that are impossible together.

    Returns:
        Pairs of key path and what is wrong with it; empty where the experiment is sound.
    """
    found = [*_not_finite(experiment), *_model_problems(experiment.model, experiment.features)]
    data = experiment.data
    if data.source == "synthetic" and data.mice < FEWEST_SYNTHETIC_MICE:
        alone = (
            f"synthetic videos have {FEWEST_SYNTHETIC_MICE} mice at least: one has nobody to act on"
        )
        found.append(("data.mice", alone))
    if data.stride > data.window:
        gaps = f"{data.stride} is more than data.window = {data.window}: frames would be left out"
        found.append(("data.stride", gaps))
    if (problem := gpu_problem(experiment.hardware.gpu)) is not None:
        found.append(("hardware.gpu", problem))
    if len(set(experiment.classes)) < max(2, len(experiment.classes)):
        found.append(("classes", "at least two classes are needed, each named once"))
    found += [
        (f"actions.{action}", f"{name!r} is not one of the classes {', '.join(experiment.classes)}")
        for action, name in experiment.actions.items()
        if name not in experiment.classes
    ]
    if not experiment.features.inputs or len(set(experiment.features.inputs)) != len(
        experiment.features.inputs
    ):
        found.append(
            ("features.inputs", f"name at least one of {', '.join(FEATURE_BLOCKS)}, each once")
        )
    if "engineered" in experiment.features.inputs:
        found += _engineered_problems(experiment.features, data)
    found += training_problems(experiment)
    return [*found, *range_problems(experiment.tune, Experiment, flatten(experiment))]


def _engineered_problems(features: FeatureConfig, data: DataConfig) -> list[tuple[str, str]]:
    if (data.mice, data.keypoints) != (2, "mars7"):
        layout = "'engineered' needs data.mice = 2 and data.keypoints = \"mars7\""
        return [("features.inputs", layout)]
    coordinates = 2 * data.mice * KEYPOINT_SET_SIZES[data.keypoints]
    if features.pca_components > coordinates:
        most = f"{features.pca_components} components of {coordinates} coordinates; use at most"
        return [("features.pca_components", f"{most} {coordinates}")]
    return []


def _model_problems(model: ModelConfig, features: FeatureConfig) -> list[tuple[str, str]]:
    found = []
    if model.name in ODD_KERNEL_MODELS and model.kernel_size % 2 == 0:
        lower, upper = model.kernel_size - 1, model.kernel_size + 1
        even = f"{model.kernel_size} is even, and leaves no frame in its middle; use {lower} or {upper}"
        found.append(("model.kernel_size", even))
    if model.name != "transformer" and model.channels == ():
        widths = f"{model.name!r} needs at least one width; leave the key out for its own"
        found.append(("model.channels", widths))
    if model.name == "transformer" and model.hidden_size % 2:
        odd = f"{model.hidden_size} is odd, but positions are sines and cosines in equal number"
        found.append(("model.hidden_size", f"{odd}; use an even width"))
    if model.name == "transformer" and model.hidden_size % model.heads:
        uneven = f"hidden_size {model.hidden_size} cannot be divided into {model.heads} heads"
        found.append(("model.heads", uneven))
    if model.name == "hybrid" and "coordinates" not in features.inputs:
        more = ", ".join(f'"{name}"' for name in ("coordinates", *features.inputs))
        keypoints = f"'hybrid' encodes keypoints, so it needs features.inputs = [{more}]"
        found.append(("model.name", keypoints))
    return found


def _not_finite(experiment: Experiment) -> list[tuple[str, str]]:
    """Find ``inf`` and ``nan``, which TOML has and nothing of ours can use."""
    described = (experiment.tune, experiment.reported)
    others = zip(("tune", "reported"), map(msgspec.to_builtins, described), strict=True)
    return [
        (key, f"{value} is not a finite number")
        for name, setting in (*flatten(experiment).items(), *others)
        for key, value in _numbers(name, setting)
        if not math.isfinite(value)
    ]


def _numbers(key: str, value: object) -> Iterator[tuple[str, float]]:
    """Find all numbers with a fraction in a setting, and below it."""
    if isinstance(value, float):
        yield key, value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _numbers(key, item)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _numbers(f"{key}.{name}", inner)
