"""``mabe run --all GROUP``: train all versions of a group, one after the other, then make its ensembles."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import msgspec
import typer

from core.errors import MisuseError
from core.run.request import RunRequest
from core.run.rundir import RunDir
from mabe_tui.cli.following.follow import exit_code, follow
from mabe_tui.cli.launching.cost_question import agree_on_cost
from mabe_tui.cli.launching.ensemble import make_ensemble
from mabe_tui.cli.session import Session
from mabe_tui.cli.terminal.output import print_json, print_table, say
from mabe_tui.launch.launcher import RunState, launcher_named
from mabe_tui.runs.actions import control
from mabe_tui.runs.launching.ensembles import version_ensemble
from mabe_tui.runs.launching.groups import GroupPlan, PlannedRun, group_plan
from mabe_tui.runs.launching.run_requests import LaunchOptions, check_data
from mabe_tui.runs.launching.start import start_requests
from mabe_tui.runs.listing.seeds import request_digest
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.run_summary import state_of

PLANNED = {
    "use": "is finished: used as it is",
    "follow": "is running: followed",
    "resume": "goes on from its last checkpoint",
    "start": "is started",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How runs are started and followed."""

    tags: tuple[str, ...]
    parallel: int | None
    """Runs of a version at a time."""
    resumes: int
    """How often to resume a run that dies."""
    yes: bool
    """Do not ask before spending more than the budget."""
    detach: bool
    dry_run: bool
    as_json: bool


def run_group(session: Session, group: str, options: LaunchOptions, manner: Manner) -> int:
    """Bring a group to its end; what is finished stays as it is. Return the highest exit code.

    Args:
        session: the home folder and the registry.
        group: name of the group.
        options: apply to every version.
        manner: not detached: one version is started when the one before it has ended.

    Raises:
        UserError: a run is not possible as specified, or cannot be started.
    """
    if manner.detach:
        raise MisuseError("--all trains one version after the other, so it cannot be detached")
    plan = group_plan(session.registry, RunStore(session.home), group, options)
    if manner.dry_run:
        _show(plan, manner.as_json)
        say("dry run: nothing was started or written")
        return 0
    new = [step.request for step in plan.steps if step.todo == "start"]
    if new:
        check_data(new[0])
    agree_on_cost(RunStore(session.home), new, manner.yes)
    runs: dict[str, list[RunDir]] = {}
    for version, steps in groupby(plan.steps, key=lambda step: step.version):
        found, code = _version(session, list(steps), manner)
        if code is None or code:
            say(f"stopped at {version}: the same command goes on from here, using what is finished")
            return code or 0
        runs[version] = found
    made = []
    for version in plan.ensembles:
        run, code = _ensemble(session, version, options, runs)
        made.append(run)
        if code is None or code:
            return code or 0
    each = [run for of_version in runs.values() for run in of_version]
    if manner.as_json:
        print_json([{"run": run.id, "folder": str(run.path)} for run in (*each, *made)])
    else:
        print("\n".join(run.id for run in (*each, *made)), flush=True)
    say(f"`mabe list --measured` shows what they come to, `mabe eval --all {group}` tests them")
    return 0


def _version(
    session: Session, steps: Sequence[PlannedRun], manner: Manner
) -> tuple[list[RunDir], int | None]:
    """Bring the runs of one version to their end; return them, and the first exit code that is not 0.

    The code is ``None`` if the user left a run going on its own.
    """
    new = [step.request for step in steps if step.todo == "start"]
    for step in steps:
        say(f"{step.version}: {step.id} {PLANNED[step.todo]}")
        if step.todo == "resume" and step.existing is not None:
            for change in control.before_resume(step.existing):
                say(f"mabe: {change}")
            control.resume(step.existing, say=say)
    started = []
    if new:
        started = start_requests(session.home, new, manner.tags, manner.parallel, say)
    by_id = {run.id: run for run in started}
    runs = [by_id[step.id] if step.existing is None else step.existing.run for step in steps]
    for step, run in zip(steps, runs, strict=True):
        if step.todo == "use":
            continue
        state = follow(run, launcher_named(run.read_request().launcher), resumes=manner.resumes)
        if state is not RunState.FINISHED:
            return runs, None if state is None else exit_code(state)
    for run in runs:
        if not run.predictions.is_file():  # of a run elsewhere
            launcher_named(run.read_request().launcher).sync(run)
    return runs, 0


def _ensemble(
    session: Session, version: str, options: LaunchOptions, runs: dict[str, list[RunDir]]
) -> tuple[RunDir, int | None]:
    """Make an ensemble of the runs of its members, unless it was made of them before."""
    store = RunStore(session.home)
    ensemble = session.registry.experiment(version).ensemble
    members = [run for member in (ensemble.members if ensemble else ()) for run in runs[member]]
    own = msgspec.structs.replace(options, version=version, seeds=(), folds=None)
    request = version_ensemble(session.registry, store, own, members)
    if (done := _made_before(store, request)) is not None:
        say(f"{version}: {done.id} {PLANNED['use']}")
        return done.run, 0
    (run,) = start_requests(session.home, [request], say=say)
    say(f"{version}: {run.id}, of {len(members)} runs")
    state = follow(run, launcher_named("local"))
    return run, None if state is None else exit_code(state)


def _made_before(store: RunStore, request: RunRequest) -> RunEntry | None:
    for entry in store.entries():
        found = entry.request if entry.version == request.experiment.name else None
        if found is not None and found.inputs == request.inputs:
            alike = request_digest(found) == request_digest(request)
            if alike and state_of(entry) is RunState.FINISHED:
                return entry
    return None


def _show(plan: GroupPlan, as_json: bool) -> None:
    rows: list[list[str | None]] = [
        [step.version, _which(step.request), step.id, step.todo] for step in plan.steps
    ]
    rows += [[version, None, None, "ensemble"] for version in plan.ensembles]
    if as_json:
        keys = ("version", "which", "run", "todo")
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        print_table(["version", "which", "run", "what"], rows)


def _which(request: RunRequest) -> str:
    data = request.experiment.data
    fold = "" if data.folds is None else f", fold {data.fold} of {data.folds}"
    return f"seed {request.seed}{fold}"


def run_combined(
    session: Session, options: LaunchOptions, group: str | None, manner: Manner, *, full: bool
) -> bool:
    """Bring a group to its end, or make a version that is an ensemble; return whether it is either.

    Raises:
        UserError: an option does not apply, or a run is not possible.
        Exit: once it has ended, with the exit code of the command.
    """
    if group is not None:
        if full:
            raise MisuseError("--full is for one version; leave out --all")
        raise typer.Exit(run_group(session, group, options, manner))
    if options.folds == 1:
        raise MisuseError("--folds: 2 at least; 1 is for --all, and means the version's own split")
    if session.registry.experiment(options.version).ensemble is None:
        return False
    given = {
        "--full": full,
        "--data": options.data is not None,
        "--folds": options.folds is not None,
        "--seeds": bool(options.seeds),
        "--on": options.launcher not in (None, "local"),
    }
    if wrong := [option for option, is_given in given.items() if is_given]:
        raise MisuseError(
            f"{wrong[0]} is for training, and {options.version} is made of runs that are trained already"
        )
    request = version_ensemble(session.registry, RunStore(session.home), options)
    make_ensemble(
        session,
        request,
        manner.tags,
        detach=manner.detach,
        dry_run=manner.dry_run,
        as_json=manner.as_json,
    )
    return True
