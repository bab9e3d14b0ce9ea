"""Estimate how long a run takes, from an earlier one."""

import math

import msgspec

from core.config.gpus import choices_of, split_gpu
from core.run.events import Epoch, began
from core.run.history import History
from core.run.request import RunRequest
from mabe_tui.runs.listing.record import rented_gpu
from mabe_tui.runs.reading.thin_history import thin_history
from mabe_tui.runs.store import RunStore

RUNS_LOOKED_AT = 50
EPOCHS_AVERAGED = 5


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """Estimated duration of a run, from an earlier one of the same version."""

    seconds: float
    """From its start to its last epoch."""
    seconds_per_epoch: float
    from_run: str
    other_gpu: str | None = None
    """GPU of the earlier run, if it is not among those requested now."""


def _seconds_before_training(history: History) -> float:
    """Return how long the first attempt took to start and to read its data."""
    first = next(event for event in history.events if isinstance(event, Epoch))
    began_at = next((began(e) for e in history.events if e.attempt == first.attempt), first.time)
    return max(0.0, (first.time - began_at).total_seconds() - first.seconds)


def estimate(store: RunStore, request: RunRequest) -> Estimate | None:
    """Estimate the duration from the latest run of the same version, preset and launcher.

    Runs on one of the requested GPUs take precedence over runs on others.

    Returns:
        ``None`` if there is no such run with a completed epoch.
    """
    asked = choices_of(request.experiment.hardware.gpu) if request.launcher != "local" else ()
    wanted, other = {split_gpu(gpu) for gpu in asked}, None
    for entry in store.entries()[:RUNS_LOOKED_AT]:
        if entry.version != request.experiment.name or entry.request is None or entry.is_import:
            continue
        if (entry.request.preset, entry.request.launcher) != (request.preset, request.launcher):
            continue
        history = thin_history(entry.run)
        recent = [epoch.seconds for epoch in history.epochs[-EPOCHS_AVERAGED:]]
        if recent:
            each = math.fsum(recent) / len(recent)
            started = history.started
            gpu = rented_gpu(entry.request, started.device_name if started else None)
            is_other = bool(wanted) and gpu is not None and split_gpu(gpu) not in wanted
            found = Estimate(
                seconds=_seconds_before_training(history)
                + each * request.experiment.training.epochs,
                seconds_per_epoch=each,
                from_run=entry.id,
                other_gpu=gpu if is_other else None,
            )
            if not is_other:
                return found
            other = other or found
    return other
