"""Combinations of settings that no experiment of the task ``pairs`` may have.

It loads neither numpy nor torch, so that listing versions stays instant.
"""

from collections.abc import Iterator

from core.tasks.pairs.settings import (
    PairsDataConfig,
    PairsExperiment,
    PairsModelConfig,
    PairsTrainingConfig,
)

Found = Iterator[tuple[str, str]]


def problems(experiment: PairsExperiment) -> list[tuple[str, str]]:
    """Find values that are impossible together: pairs of key path and sentence."""
    return [
        *_data(experiment.data),
        *_model(experiment.model),
        *_training(experiment.training, experiment.data),
    ]


def _data(data: PairsDataConfig) -> Found:
    if data.arrays is not None and len(set(data.arrays)) < len(data.arrays):
        yield "data.arrays", "name three arrays: first images, second images, labels"


def _model(model: PairsModelConfig) -> Found:
    if model.layers is not None and not 1 <= len(model.layers) <= 4:
        yield "model.layers", f"{len(model.layers)} stages; name the blocks of 1 to 4"
    if model.name == "plain_difference":
        for key in ("layers", "block", "attention", "joined"):
            if getattr(model, key) is not None:
                yield f"model.{key}", "'plain_difference' has none; unset it"
    if model.name == "pyramid" and model.layers is not None and len(model.layers) < 2:
        yield "model.layers", "'pyramid' merges at least two stages"


def _training(training: PairsTrainingConfig, data: PairsDataConfig) -> Found:
    if training.loss is not None:
        if ":" not in training.loss:
            yield "training.loss", f"{training.loss!r} names no function; write module:function"
        for key, neutral in (("label_smoothing", 0), ("focal_gamma", 0), ("focal_alpha", 1)):
            if getattr(training, key) != neutral:
                yield f"training.{key}", "is part of the built-in loss; unset it or training.loss"
    if training.augmentation.swap and data.swapping is None:
        unknown = "what a swap does to the label is not known; set data.swapped"
        yield "training.augmentation.swap", unknown
