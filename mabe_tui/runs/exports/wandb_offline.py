"""Curves as a run of Weights & Biases in offline mode, written by its own package; nothing is sent.

``wandb sync`` uploads the folder, if and when the user wants.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

from core.errors import RunError
from core.system.progress import Progress
from mabe_tui.runs.exports.exported import ExportedCurve, untold

PROJECT = "mabe"
QUIET = {"WANDB_MODE": "offline", "WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}
"""Environment of the package: no network, no reports of errors, nothing printed."""
STEP, EPOCH = "step", "epoch"
_TIME = "_timestamp"


def require_wandb() -> ModuleType:
    """Return the package, told to stay offline.

    Raises:
        RunError: it is not installed.
    """
    os.environ |= QUIET  # read when it is imported
    try:
        import wandb
    except ImportError as error:
        raise RunError(
            "files of Weights & Biases need its package wandb, which is not installed;"
            " `pip install 'mabe[wandb]'`"
        ) from error
    module: ModuleType = wandb
    return module


def write_wandb(
    curves: Sequence[ExportedCurve],
    settings: Mapping[str, object],
    run_id: str,
    tags: Sequence[str],
    folder: Path,
    progress: Progress = untold,
) -> Path:
    """Write curves and settings as an offline run; return its folder.

    Args:
        curves: of one run.
        settings: the run's, by dotted key.
        run_id: id and name of the run there.
        tags: the run's tags.
        folder: the folder below which wandb makes ``wandb/offline-run-…``.
        progress: called with the number of rows written.

    Raises:
        RunError: wandb is not installed, or fails.
    """
    wandb = require_wandb()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        run = wandb.init(
            mode="offline",
            dir=str(folder),
            project=PROJECT,
            id=run_id,
            name=run_id,
            config=dict(settings),
            tags=list(tags),
            settings=wandb.Settings(
                console="off",
                silent=True,
                save_code=False,
                disable_git=True,
                x_disable_meta=True,
                x_disable_stats=True,
            ),
        )
        run.define_metric(STEP)
        run.define_metric("*", step_metric=STEP)
        rows = rows_of(curves)
        for number, row in enumerate(rows, start=1):
            run.log(row)
            progress(number, len(rows), "rows")
        where = Path(run.dir).parent
        run.finish()
    except (wandb.Error, OSError) as error:
        raise RunError(f"{folder}: wandb could not write there ({error})") from error
    return where


def rows_of(curves: Sequence[ExportedCurve]) -> list[dict[str, float]]:
    """Return the rows of the history: what one event measured, with its step, epoch and time."""
    by_event: dict[tuple[int, int], dict[str, float]] = {}
    for each in curves:
        for point in each.points():
            place = {STEP: point.step, EPOCH: point.epoch, _TIME: point.time}
            by_event.setdefault(point.event, place)[point.name] = point.value
    return [by_event[event] for event in sorted(by_event)]
