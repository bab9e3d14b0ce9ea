"""``mabe stop`` and ``mabe resume``."""

from pathlib import Path
from typing import Annotated

import typer

from core.errors import RunError, UserError
from mabe_tui.cli.following.follow import exit_code, follow
from mabe_tui.cli.listing.status import find_run, find_runs
from mabe_tui.cli.options import (
    AutoResumeOption,
    BudgetOption,
    DetachOption,
    MaxTimeOption,
    RunName,
    RunNames,
    finite,
)
from mabe_tui.cli.terminal.output import JsonOption, print_json, say, telling_of
from mabe_tui.launch.launcher import launcher_named
from mabe_tui.runs.actions import control
from mabe_tui.runs.actions.control import GRACE_SECONDS
from mabe_tui.runs.following.mirror import Mirror
from mabe_tui.runs.format.units import parse_duration
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.checkpoints import pointer_names
from mabe_tui.runs.summary.endings import stop_words
from mabe_tui.runs.summary.run_summary import state_of


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("stop")(stop)
    app.command("resume")(resume)


def stop(
    context: typer.Context,
    runs: RunNames,
    grace: Annotated[
        float,
        typer.Option(
            help="Seconds to wait for the checkpoint before killing.",
            min=0,
            max=86_400,
            callback=finite,
        ),
    ] = GRACE_SECONDS,
    as_json: JsonOption = False,
) -> None:
    """Ask runs to save a checkpoint and stop; kill those that do not."""
    from concurrent.futures import (
        ThreadPoolExecutor,
    )  # imported late: `mabe --help` needs no logging

    entries = find_runs(context, runs)
    asked = sum(entry.request is not None and state_of(entry).may_speak for entry in entries)
    if asked:
        them = f"{asked} run{'s' * (asked > 1)}"
        say(f"asking {them} to save a checkpoint and stop (at most {grace:.0f} s)")
    with ThreadPoolExecutor(max_workers=len(entries)) as pool:
        outcomes = list(pool.map(lambda entry: _stop(entry, grace), entries))
    if as_json:
        print_json({e.id: outcome for e, (outcome, _) in zip(entries, outcomes, strict=True)})
    for entry, (outcome, _) in zip(entries, outcomes, strict=True):
        say(f"{entry.id}: {outcome}")
    if any(failed for _, failed in outcomes):
        raise typer.Exit(1)


def _stop(entry: RunEntry, grace: float) -> tuple[str, bool]:
    try:
        return stop_words(entry.run, control.stop(entry, grace)), False
    except UserError as error:
        return str(error), True


def resume(
    context: typer.Context,
    run: RunName = "last",
    detach: DetachOption = False,
    max_time: MaxTimeOption = None,
    budget: BudgetOption = None,
    auto_resume: AutoResumeOption = 0,
    data: Annotated[Path | None, typer.Option(help="The data folder, if it has moved.")] = None,
    from_scratch: Annotated[
        bool,
        typer.Option("--from-scratch", help="Start again if its checkpoints were removed."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Resume a run from its last checkpoint, in a new attempt. Exit codes as for `mabe run`."""
    entry = find_run(context, run)
    seconds = parse_duration(max_time) if max_time is not None else None
    changes = control.before_resume(entry, data)
    control.require_checkpoints(entry, from_scratch)
    if from_scratch and pointer_names(entry.run) and not control.lost_its_checkpoints(entry):
        raise RunError(
            f"--from-scratch: {entry.id} has checkpoints, and goes on from the last;"
            f" `mabe run {entry.version}` starts a run"
        )
    for change in changes:
        say(f"mabe: {change}")
    mirror = Mirror(entry.run)
    mirror.poll()  # output of earlier attempts is not shown again
    handle = control.resume(entry, seconds, budget, data, say, from_scratch)
    with telling_of(entry.id):
        if as_json:
            print_json({"run": entry.id, "attempt": handle.attempt})
        else:
            print(entry.id, flush=True)
    if detach:
        say(
            f"attempt {handle.attempt} runs on its own; this follows it:\n  mabe logs -f {entry.id}"
        )
        return
    raise typer.Exit(
        exit_code(follow(entry.run, launcher_named(handle.launcher), mirror, resumes=auto_resume))
    )
