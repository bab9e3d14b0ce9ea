"""The learning rate of each epoch: linear warm-up, then constant, plateau or cosine.

Rates are per epoch, as in the original versions. A schedule returns the rate of an epoch before it and
receives the monitored metric after it; its state is part of the checkpoint.
"""

import math
from typing import Any

import msgspec

from core.config.experiment import TrainingConfig
from core.errors import CheckpointError

PLATEAU_THRESHOLD = 1e-4
"""Relative improvement that counts as one: the default of torch's ``ReduceLROnPlateau``."""


class PlateauState(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """State of the plateau rule between epochs."""

    best: float | None = None
    bad_epochs: int = 0
    scale: float = 1.0


class Schedule:
    """Warm-up, then the schedule named by ``training.scheduler``.

    Args:
        config: training settings.
        rises: whether a larger value of the monitored metric is better.
    """

    def __init__(self, config: TrainingConfig, *, rises: bool = True) -> None:
        self._config, self._rises = config, rises
        self._plateau = PlateauState()

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 1.

        Epoch ``i`` of ``n`` warm-up epochs gets ``i / n`` of the base rate.
        """
        config = self._config
        if epoch <= config.warmup_epochs:
            return config.learning_rate * epoch / config.warmup_epochs
        if config.scheduler == "cosine":
            return self._cosine(epoch - config.warmup_epochs - 1)
        if config.scheduler == "plateau":
            return max(config.learning_rate * self._plateau.scale, config.min_learning_rate)
        return config.learning_rate

    def _cosine(self, index: int) -> float:
        """Half a cosine from the base rate to the lowest (SGDR, Loshchilov & Hutter 2017)."""
        config = self._config
        share = (1 + math.cos(math.pi * index / (config.epochs - config.warmup_epochs))) / 2
        return config.min_learning_rate + (config.learning_rate - config.min_learning_rate) * share

    def epoch_done(self, epoch: int, metric: float) -> None:
        """Update the schedule with the monitored metric of an epoch. NaN counts as no improvement.

        The rule is that of torch's ``ReduceLROnPlateau``, in the mode that fits the metric. It starts after
        the warm-up, whose small steps do not indicate a plateau.
        """
        if self._config.scheduler != "plateau" or epoch <= self._config.warmup_epochs:
            return
        state = self._plateau
        if math.isfinite(metric) and (state.best is None or self._gains(metric, state.best)):
            state.best, state.bad_epochs = metric, 0
            return
        state.bad_epochs += 1
        if state.bad_epochs > self._config.plateau_patience:
            state.scale *= self._config.plateau_factor
            state.bad_epochs = 0

    def _gains(self, metric: float, best: float) -> bool:
        """Return whether a metric is better than ``best`` by more than the threshold."""
        least = abs(best) * PLATEAU_THRESHOLD
        return metric > best + least if self._rises else metric < best - least

    def state_dict(self) -> dict[str, Any]:
        """Return the state as plain numbers."""
        return dict(msgspec.to_builtins(self._plateau))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a saved state.

        Raises:
            CheckpointError: it is not the state of a schedule.
        """
        try:
            self._plateau = msgspec.convert(state, PlateauState)
        except msgspec.ValidationError as error:
            raise CheckpointError(f"the checkpoint's schedule cannot be read: {error}") from error
