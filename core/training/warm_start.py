"""Begin from the weights of another run, and keep parts of a model as they are."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from core.errors import CheckpointError, ConfigError, RunError
from core.run.request import Input
from core.run.rundir import RunDir
from core.training.checkpoint_file import predicting_weights, read_checkpoint

MOST_NAMES = 4


@dataclass(frozen=True, slots=True)
class Matched:
    """Which weights of a model were taken over."""

    taken: int
    total: int
    left: tuple[str, ...]
    """Why each of the others keeps its initial values."""

    @property
    def sentence(self) -> str:
        """The same in words."""
        shown = ", ".join(self.left[:MOST_NAMES])
        more = f" and {len(self.left) - MOST_NAMES} more" if len(self.left) > MOST_NAMES else ""
        return f"{self.taken} of {self.total} tensors are taken over; not {shown}{more}"


def load_start(run_dir: RunDir, start: Input) -> Mapping[str, Any]:
    """Return the weights with which another run predicts; that run's folder is beside ``run_dir``.

    Raises:
        RunError: the run or its checkpoint is not here, is damaged or has changed.
    """
    path = RunDir(run_dir.path.parent / start.run).checkpoints / start.file
    try:
        return predicting_weights(read_checkpoint(path, start.sha256))
    except CheckpointError as error:
        raise RunError(f"training.start_from: {error}") from error


def take_over(model: nn.Module, weights: Mapping[str, Any], run: str) -> Matched:
    """Copy all weights and statistics that have the same name and shape.

    Args:
        model: freshly initialised; the rest of it stays so.
        weights: a ``state_dict``.
        run: where the weights are from, for an error.

    Raises:
        ConfigError: none fits.
    """
    own = model.state_dict()
    left, taken = [], 0
    with torch.no_grad():
        for name, value in own.items():
            theirs = weights.get(name)
            if not isinstance(theirs, torch.Tensor):
                left.append(f"{name} (not there)")
            elif theirs.shape != value.shape:
                left.append(f"{name} ({_shape(theirs)} there, {_shape(value)} here)")
            else:
                value.copy_(theirs)
                taken += 1
    if not taken:
        raise ConfigError(
            f"training.start_from: no weight of {run} has the name and shape of one of this model's; take a"
            " run of the same model"
        )
    return Matched(taken, len(own), tuple(left))


def freeze(model: nn.Module, patterns: Sequence[str]) -> None:
    """Exclude the parameters whose names match a pattern from training.

    Args:
        model: the model.
        patterns: regular expressions; one matches a name that begins with a match, so the name of a module
            stands for all of its parameters.

    Raises:
        ConfigError: a pattern matches no parameter, or nothing is left to train.
    """
    named = dict(model.named_parameters())
    for pattern in patterns:
        found = [name for name in named if re.match(pattern, name)]
        if not found:
            parts = ", ".join(dict.fromkeys(name.partition(".")[0] for name in named))
            raise ConfigError(
                f"training.frozen: {pattern!r} matches no parameter; the model's parts are {parts}"
            )
        for name in found:
            named[name].requires_grad_(False)
    if not any(parameter.requires_grad for parameter in named.values()):
        raise ConfigError("training.frozen: freezes the whole model, so nothing is left to train")


def train_mode(model: nn.Module) -> None:
    """Put a model into training mode, except for normalisation layers that are frozen.

    Their running statistics belong to the frozen part, and would change with every batch.
    """
    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            parameters = list(module.parameters())
            if parameters and not any(each.requires_grad for each in parameters):
                module.eval()


def _shape(tensor: torch.Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "one number"
