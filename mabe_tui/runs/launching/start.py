"""Start runs: create their folders and launch them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from core.errors import RunError, UserError
from core.run import places
from core.run.records import About
from core.run.request import RunRequest
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import Launcher, Say, launcher_named, say_nothing
from mabe_tui.runs.actions.manage import require_tag
from mabe_tui.runs.launching.named_inputs import named_inputs
from mabe_tui.runs.store import FOLDS_TAG, RunStore, short_id


def start_requests(
    home: Path,
    requests: Sequence[RunRequest],
    tags: tuple[str, ...] = (),
    parallel: int | None = None,
    say: Say = say_nothing,
) -> list[RunDir]:
    """Start runs that use the same machine; see :func:`start_runs`.

    Raises:
        UserError: the launcher is not ready, or cannot start them.
    """
    launcher = launcher_named(requests[0].launcher)
    launcher.require_ready(requests[0])
    return start_runs(home, requests, launcher, (*tags, *_group_tags(requests)), parallel, say)


def start_run(
    home: Path,
    request: RunRequest,
    launcher: Launcher,
    tags: Sequence[str] = (),
    say: Say = say_nothing,
) -> RunDir:
    """Create the run's folder and launch it; if that fails, leave no folder behind.

    Raises:
        UserError: the folder cannot be written, or the launcher cannot start the run; says why.
    """
    (run,) = start_runs(home, [request], launcher, tags, say=say)
    return run


def start_runs(
    home: Path,
    requests: Sequence[RunRequest],
    launcher: Launcher,
    tags: Sequence[str] = (),
    parallel: int | None = None,
    say: Say = say_nothing,
) -> list[RunDir]:
    """Create the runs' folders and launch them all, with at most ``parallel`` running at a time.

    If that fails or is interrupted, no folder of an unlaunched run is left behind. ``say`` is called with
    a message before each slow step.

    Raises:
        UserError: a tag is invalid, a folder cannot be written, or the launcher cannot start a run; says
            why, and which runs were started before that.
    """
    store = RunStore(home)
    requests = [named_inputs(store, request) for request in requests]
    about = About(tags=tuple(dict.fromkeys(require_tag(tag) for tag in tags)))
    runs = [RunDir(places.runs(home) / request.run) for request in requests]
    try:
        for run, request in zip(runs, requests, strict=True):
            run.write_request(request)
            if tags:
                run.write_about(about)
        launcher.launch_all(runs, parallel, say)
    except BaseException as error:
        for run in runs:
            if not run.attempts():  # a launcher reverts a run that it claimed and cannot start
                shutil.rmtree(run.path, ignore_errors=True)
        started = [run.id for run in runs if run.attempts()]
        if started and isinstance(error, UserError):
            raise RunError(f"{error}; started before that: {' '.join(started)}") from error
        raise
    return runs


def _group_tags(requests: Sequence[RunRequest]) -> tuple[str, ...]:
    """Return the tag that the fold runs of one start share; empty if they have no folds."""
    first = requests[0]
    if len(requests) < 2 or first.experiment.data.folds is None:
        return ()
    return (f"{FOLDS_TAG}{short_id(first.run)}",)
