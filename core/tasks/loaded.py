"""A checkpoint in memory, as a task's predictor gets it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from torch import nn

from core.config.experiment import Experiment
from core.errors import CheckpointError, first_line

FIT_ERRORS = (
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    AssertionError,
    msgspec.ValidationError,
)
"""Exceptions of torch, numpy and msgspec when given the state of something else."""


@dataclass(frozen=True, slots=True)
class LoadedCheckpoint:
    """The parts of a checkpoint needed for prediction, on the CPU."""

    source: Path
    """The checkpoint file."""
    experiment: Experiment
    """The settings it was trained with, typed by their task."""
    weights: Mapping[str, Any]
    """``state_dict`` of the model: the moving average of the weights if one was kept."""
    input_table: Mapping[str, Any]
    """What :meth:`core.tasks.task.Task.input_table` returned."""
    task_state: Mapping[str, Any]
    """What :meth:`core.tasks.task.Task.state_dict` returned."""

    def network(self, build: Callable[[Mapping[str, Any]], nn.Module]) -> nn.Module:
        """Build the model from :attr:`input_table`, with these weights, in evaluation mode.

        Raises:
            CheckpointError: weights and settings do not belong together.
        """
        try:
            model = build(self.input_table)
            model.load_state_dict(self.weights)
        except FIT_ERRORS as error:
            raise CheckpointError(
                f"{self.source}: its weights and its settings do not belong together"
                f" ({first_line(error)})"
            ) from error
        return model.eval()
