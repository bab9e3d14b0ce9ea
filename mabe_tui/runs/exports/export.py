"""Export the curves of a run in the form of other tools."""

import shutil
from pathlib import Path
from typing import Literal, get_args

from core.config.experiment import flatten
from core.errors import RunError, UserError
from core.system.progress import Progress
from mabe_tui.runs.curves.panels import RunNumbers
from mabe_tui.runs.exports.exported import exported_curves, untold
from mabe_tui.runs.exports.tables import write_csv, write_parquet
from mabe_tui.runs.exports.tensorboard import (
    EVENT_FILES,
    remove_event_files,
    require_tensorboard,
    write_tensorboard,
)
from mabe_tui.runs.exports.wandb_offline import require_wandb, write_wandb
from mabe_tui.runs.store import RunEntry

Form = Literal["csv", "parquet", "tensorboard", "wandb-offline"]
FORMS: tuple[Form, ...] = get_args(Form)


def require_form(form: Form) -> None:
    """Check that the package that writes a form is installed.

    Raises:
        RunError: it is not; says how to install it.
    """
    if form == "tensorboard":
        require_tensorboard()
    elif form == "wandb-offline":
        require_wandb()


def target_of(entry: RunEntry, form: Form, folder: Path, force: bool = False) -> Path:
    """Return where a run is exported to, after checking that nothing is there.

    Args:
        entry: the run.
        form: the form; each run of ``tensorboard`` is a folder of its own.
        folder: the target folder.
        force: whether what an earlier export left may be replaced.

    Raises:
        UserError: something is there, and ``force`` was not given; or it cannot be replaced.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file; name a folder")
    if form == "wandb-offline":
        there = sorted((folder / "wandb").glob(f"offline-run-*-{entry.id}"))
        target = there[0] if there else folder / "wandb"
        taken = bool(there)
    elif form == "tensorboard":
        target = folder / entry.id
        taken = target.is_file() or any(target.glob(EVENT_FILES))
    else:
        target = folder / f"{entry.id}.{form}"
        taken = target.exists()
    if taken and not force:
        raise UserError(f"{target}: there already; --force replaces it")
    return target


def export_run(
    entry: RunEntry,
    form: Form,
    folder: Path,
    force: bool = False,
    progress: Progress = untold,
) -> Path:
    """Export all curves of a run, without what a resume superseded; return the file or folder.

    Steps are optimiser steps, and times those at which each value was reported.

    Args:
        entry: the run.
        form: the form.
        folder: the target folder.
        force: whether what an earlier export left may be replaced.
        progress: called with the number of values written, by forms that take long.

    Raises:
        RunError: the run cannot be read or has measured nothing, or a package is not installed.
        UserError: the target cannot be written, or something is there and ``force`` was not given.
    """
    request = entry.require_request()
    target = target_of(entry, form, folder, force)
    curves = exported_curves(RunNumbers.read(entry, entry.id))
    settings = flatten(request.experiment)
    try:
        if form == "csv":
            write_csv(curves, target)
        elif form == "parquet":
            write_parquet(curves, target)
        elif form == "tensorboard":
            remove_event_files(target)
            write_tensorboard(curves, settings, target, progress)
        else:
            for earlier in (folder / "wandb").glob(f"offline-run-*-{entry.id}"):
                shutil.rmtree(earlier)
            tags = entry.run.read_about().tags
            target = write_wandb(curves, settings, entry.id, tags, folder, progress)
    except OSError as error:
        raise RunError(f"{error.filename or target}: {error.strerror or error}") from error
    return target
