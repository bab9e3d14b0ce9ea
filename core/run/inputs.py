"""The checkpoints that an ensemble predicts with."""

from collections.abc import Sequence
from pathlib import Path

from core.config.experiment import How
from core.errors import CheckpointError
from core.run.request import Input, RunRequest
from core.run.rundir import RunDir

IN_WORDS: dict[How, str] = {
    "mean": "mean of",
    "weighted": "weighted mean of",
    "rank": "mean rank of",
    "logistic": "logistic regression on",
    "stack": "stack of",
}
"""``ensemble.how`` → what an ensemble is, before its members' names."""


def how_combined(request: RunRequest) -> How:
    """Return how the predictions of an ensemble's members become one."""
    ensemble = request.experiment.ensemble
    return "mean" if ensemble is None else ensemble.how


def is_fitted(request: RunRequest) -> bool:
    """Return whether a request is of an ensemble whose second level is fitted, and kept as its checkpoint."""
    return bool(request.inputs) and how_combined(request) != "mean"


def predicting_inputs(run: RunDir, request: RunRequest) -> tuple[Input, ...]:
    """Return the checkpoints of an ensemble's members, and last its own, if it has fitted one.

    Args:
        run: the ensemble.
        request: its request.

    Raises:
        CheckpointError: it is to have a checkpoint of its own, and has none.
    """
    if not is_fitted(request):
        return request.inputs
    pointer = run.read_pointer("best")
    if pointer is None:
        raise CheckpointError(
            f"{run.id} has no fitted second level: it has not finished, or its checkpoint was removed; make"
            " the ensemble again"
        )
    return *request.inputs, Input(run=run.id, file=pointer.file, sha256=pointer.sha256)


def require_pulled(runs: Path, inputs: Sequence[Input]) -> None:
    """Check that the checkpoints of runs on another machine were brought here.

    Args:
        runs: folder of the runs.
        inputs: the checkpoints.

    Raises:
        CheckpointError: some were not; says how to bring them.
    """
    absent = list(dict.fromkeys(each.run for each in inputs if _is_left(runs, each)))
    if not absent:
        return
    first, *more = absent
    others = f", and so for {', '.join(more)}" if more else ""
    raise CheckpointError(
        f"the best checkpoint of {first} is not here; `mabe pull {first} best` brings it{others}"
    )


def _is_left(runs: Path, each: Input) -> bool:
    """Return whether a checkpoint is on another machine only, as its run's best."""
    run = RunDir(runs / each.run)
    if (run.checkpoints / each.file).is_file():
        return False
    handle, pointer = run.read_handle(), run.read_pointer("best")
    elsewhere = handle is not None and handle.launcher != "local"
    return elsewhere and pointer is not None and pointer.sha256 == each.sha256
