"""Test all versions of a group on one data folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from core.config.registry import Registry
from core.errors import RunError, UserError
from core.system.progress import Progress
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.comparison.evaluate import evaluate_together
from mabe_tui.runs.comparison.found import find_side
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.run_summary import state_of
from mabe_tui.runs.videos.video_prediction import Device

if TYPE_CHECKING:  # numpy and torch
    from core.tasks.predictor import PredictionOptions


class TestedVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What the newest finished run of a version comes to, or why it was not tested."""

    version: str
    runs: tuple[str, ...] = ()
    """The run, or those of all folds, whose answers are averaged."""
    units: int | None = None
    examples: int | None = None
    trained_on: int | None = None
    """How many of the units any of the runs was trained on."""
    metrics: dict[str, float] = {}
    problem: str | None = None


def evaluate_group(
    registry: Registry,
    store: RunStore,
    versions: Sequence[str],
    data: Path,
    which: str,
    device: Device,
    progress: Progress | None = None,
    options: "PredictionOptions | None" = None,
) -> list[TestedVersion]:
    """Evaluate the newest finished run of each version; what fails is told in its row.

    Args:
        registry: has the versions.
        store: the runs.
        versions: in the order of the answer.
        data: the folder.
        which: the runs' checkpoint.
        device: to compute on.
        progress: called with (done, total, what).
        options: of the prediction.
    """
    found = []
    for version in versions:
        try:
            entries = newest_runs(version, store, registry)
            report, _ = evaluate_together(entries, data, which, device, progress, options)
        except UserError as error:
            found.append(TestedVersion(version=version, problem=str(error)))
            continue
        found.append(
            TestedVersion(
                version=version,
                runs=tuple(entry.id for entry in entries),
                units=report.videos,
                examples=report.frames,
                trained_on=report.trained_on,
                metrics=report.metrics,
            )
        )
    return found


def newest_runs(version: str, store: RunStore, registry: Registry) -> tuple[RunEntry, ...]:
    """Return a version's newest finished run, or the runs of all its folds.

    Raises:
        RunError: there is none.
    """
    found = find_side(version, store, registry, latest=False)
    for entry in found.entries:
        if state_of(entry) is RunState.FINISHED:
            return found.runs_of(entry)
    raise RunError(f"{version} has no finished run")
