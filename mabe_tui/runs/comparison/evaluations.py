"""Evaluations of a run's checkpoints: during training, and later on other data."""

from typing import Any

import msgspec

from core.run.rundir import RunDir
from mabe_tui.runs.comparison.compare_tables import in_order
from mabe_tui.runs.comparison.evaluate import EvaluationReport
from mabe_tui.runs.listing.view_state import ViewState
from mabe_tui.runs.reading.thin_history import thin_history
from mabe_tui.runs.summary.checkpoints import checkpoint_here
from mabe_tui.runs.tasks import spec_of

KEPT_UNDER = "evaluations"
MOST = 8
"""Number of data folders remembered per checkpoint."""


def epoch_metrics(run: RunDir) -> dict[int, dict[str, float]]:
    """Return the run's own validation metrics, by epoch, without superseded epochs.

    The metrics come in the order in which tables show them.

    Raises:
        RunError: the run's request cannot be read.
    """
    task = spec_of(run.read_request().experiment)
    return {
        epoch.epoch: {name: epoch.metrics[name] for name in in_order(epoch.metrics, task)}
        for epoch in thin_history(run).epochs
    }


def keep_evaluation(run: RunDir, report: EvaluationReport, state: ViewState) -> None:
    """Save a checkpoint's result on other data, replacing its earlier result there.

    Raises:
        UserError: the checkpoint is gone, or the state folder cannot be written.
    """
    key = f"{run.id}/{checkpoint_here(run, report.checkpoint).file}"

    def with_report(kept: dict[str, Any]) -> dict[str, Any]:
        others = [each for each in _reports(kept.get(key, [])) if each.data != report.data]
        return {key: msgspec.to_builtins([*others, report][-MOST:])}

    state.change(KEPT_UNDER, with_report)


def kept_evaluations(run: RunDir, file: str, state: ViewState) -> list[EvaluationReport]:
    """Return the saved results of one checkpoint file, newest last."""
    return _reports(state.screen(KEPT_UNDER).get(f"{run.id}/{file}", []))


def _reports(kept: Any) -> list[EvaluationReport]:
    try:
        return msgspec.convert(kept, list[EvaluationReport])
    except msgspec.ValidationError:
        return []
