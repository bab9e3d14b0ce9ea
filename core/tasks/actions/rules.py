"""Settings of an ``actions`` experiment that exclude each other. It loads neither numpy nor torch."""

from collections.abc import Iterator

from core.data.actions import ACTIONS
from core.tasks.actions.settings import (
    ActionsDataConfig,
    ActionsExperiment,
    ActionsModelConfig,
)

Found = Iterator[tuple[str, str]]


def problems(experiment: ActionsExperiment) -> list[tuple[str, str]]:
    """Find settings that are impossible together: pairs of a key path and a sentence."""
    return [*_data(experiment.data), *_model(experiment.model), *_training(experiment)]


def _data(data: ActionsDataConfig) -> Found:
    if data.folds is not None and data.validation_videos is not None:
        both = "excludes data.validation_videos: both say what to validate on"
        yield "data.folds", both
    if data.synthetic_labs > data.synthetic_videos:
        yield (
            "data.synthetic_labs",
            f"{data.synthetic_labs} labs cannot share {data.synthetic_videos} videos",
        )
    if known := set(data.other_actions) & set(ACTIONS):
        yield "data.other_actions", f"{min(known)!r} is one of the competition's actions already"
    if len(set(data.other_actions)) < len(data.other_actions):
        yield "data.other_actions", "an action is named twice"
    if twice := set(data.validation_videos or ()) & set(data.left_out_videos):
        yield "data.validation_videos", f"{min(twice)} is one of data.left_out_videos"


def _training(experiment: ActionsExperiment) -> Found:
    if experiment.model.name == "boost" and experiment.training.monitor == "loss":
        yield "training.monitor", "boosting measures no loss; choose score"


def _model(model: ActionsModelConfig) -> Found:
    if model.name != "two_trunk":
        return
    for size in model.kernels:
        if size % 2 == 0:
            even = f"{size} is even, so it has no middle frame; use {size - 1} or {size + 1}"
            yield "model.kernels", even
    if model.trunk == "attention":
        if model.width % model.heads:
            uneven = f"width {model.width} cannot be divided into {model.heads} heads"
            yield "model.heads", uneven
        elif (model.width // model.heads) % 2:
            odd = f"{model.width // model.heads} values per head cannot be rotated in pairs"
            yield "model.heads", odd
