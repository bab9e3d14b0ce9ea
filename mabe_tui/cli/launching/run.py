"""``mabe run``: start a version and follow it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from core.config.section import LARGEST_SEED
from core.errors import MisuseError
from core.run import places
from core.run.limits import Limits
from core.run.request import RunRequest
from core.run.rundir import RunDir
from mabe_tui.cli.following.follow import exit_code, follow
from mabe_tui.cli.launching.cost_question import agree_on_cost, rented_reference
from mabe_tui.cli.launching.run_group import Manner, run_combined
from mabe_tui.cli.options import (
    MOST_RUNS,
    AutoResumeOption,
    BudgetOption,
    DetachOption,
    MaxTimeOption,
    SetOption,
    YesOption,
)
from mabe_tui.cli.registry.registry_commands import say_left_behind
from mabe_tui.cli.session import Session, session_of
from mabe_tui.cli.terminal.output import JsonOption, print_json, print_table, say, telling_of
from mabe_tui.launch.launcher import Launcher, launcher_named
from mabe_tui.runs.actions.manage import require_tag
from mabe_tui.runs.format.settings import spell
from mabe_tui.runs.format.units import parse_duration
from mabe_tui.runs.launching import forecast
from mabe_tui.runs.launching.again import again as repeat
from mabe_tui.runs.launching.forecast import Changed
from mabe_tui.runs.launching.full_data import on_full_data
from mabe_tui.runs.launching.named_inputs import named_inputs
from mabe_tui.runs.launching.run_requests import (
    LaunchOptions,
    check_data,
    parse_seeds,
    requests_for,
)
from mabe_tui.runs.launching.start import start_requests
from mabe_tui.runs.store import RunStore

KEEP_PREDICTIONS = "training.keep_predictions=true"


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("run")(run)


def run(
    context: typer.Context,
    version: Annotated[
        str | None, typer.Argument(help="A version in the registry, such as v6.")
    ] = None,
    again: Annotated[
        str | None,
        typer.Option(
            metavar="RUN", help="Instead of a version: repeat this run, and say what differs now."
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--all",
            metavar="GROUP",
            help="All versions of a group, with predictions kept, then the ensembles of them.",
        ),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(metavar="local|modal", help="Where to run; default: as in the registry."),
    ] = None,
    detach: DetachOption = False,
    data: Annotated[
        Path | None, typer.Option(help="A data folder in the competition's layout.")
    ] = None,
    overrides: SetOption = None,
    seed: Annotated[
        int | None,
        typer.Option(help="The seed; default: as in the registry.", min=0, max=LARGEST_SEED),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(metavar="1,2,3", help="One run per seed; waiting ones are queued."),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(metavar="K", help="One run per fold, for each seed.", min=1, max=1000),
    ] = None,
    full: Annotated[
        bool,
        typer.Option(
            "--full", help="Train on everything, for the median of the folds' best epochs."
        ),
    ] = False,
    from_folds: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="With --full: a run of those folds; default: the newest."),
    ] = None,
    keep_predictions: Annotated[
        bool,
        typer.Option(
            "--keep-predictions", help="Keep validation predictions, for `mabe ensemble`."
        ),
    ] = False,
    parallel: Annotated[
        int | None,
        typer.Option(help="Runs at a time; default: one here, all on Modal.", min=1, max=MOST_RUNS),
    ] = None,
    preset: Annotated[str | None, typer.Option(help="Apply a preset from the registry.")] = None,
    max_time: MaxTimeOption = None,
    budget: BudgetOption = None,
    auto_resume: AutoResumeOption = 0,
    yes: YesOption = False,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="T", help="Add a tag; repeatable.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show everything that would happen; change nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a version. The run continues if this terminal closes.

    Standard output has the run's id, standard error everything else. Exit code: 0 finished or left
    running, 1 failed, 3 stopped, 4 preempted, 5 died without an ending.
    """
    session = session_of(context)
    seconds = parse_duration(max_time) if max_time is not None else None
    limits = Limits(seconds=seconds, cost_usd=budget)
    named = tuple(require_tag(tag) for tag in tags or ())
    if again is not None:
        if any(
            (
                version,
                overrides,
                seed is not None,
                seeds,
                folds,
                full,
                keep_predictions,
                parallel,
                preset,
            )
        ):
            raise MisuseError("--again takes settings and seeds from the run; leave them out")
        requests = [_repeated(session, again, on, data, limits)]
    elif (version is None) is (group is None):
        raise MisuseError("name a version, as `mabe list` has them, or --again RUN or --all GROUP")
    else:
        options = LaunchOptions(
            version=version or "",
            launcher=on,
            data=data,
            overrides=(*(overrides or ()), *([KEEP_PREDICTIONS] if keep_predictions else [])),
            seeds=_seeds(seed, seeds),
            folds=folds,
            preset=preset,
            limits=limits,
        )
        manner = Manner(
            tags=named,
            parallel=parallel,
            resumes=auto_resume,
            yes=yes,
            detach=detach,
            dry_run=dry_run,
            as_json=as_json,
        )
        if run_combined(session, options, group, manner, full=full or from_folds is not None):
            return
        requests = _requests(session, options, full, from_folds)
        say_left_behind(session.registry.experiment(options.version), requests[0].experiment)
    described = check_data(requests[0])
    if dry_run:
        _show_dry_runs(session, requests, described, as_json)
        return
    for warning in launcher_named(requests[0].launcher).quote(requests[0]).warnings:
        say(f"warning: {warning}")
    agree_on_cost(RunStore(session.home), requests, yes)
    try:
        started = start_requests(session.home, requests, named, parallel, say)
    except KeyboardInterrupt:
        _report_started_before(session, requests)
        raise
    _print_started(started, as_json)
    if detach:
        say("running on its own; `mabe runs` lists all, and this follows it:")
        say(f"  mabe logs -f {started[0].id}")
        return
    raise typer.Exit(_follow_each(started, launcher_named(requests[0].launcher), auto_resume))


def _repeated(
    session: Session, name: str, launcher: str | None, data: Path | None, limits: Limits
) -> RunRequest:
    """Build the request that repeats a run, and say what differs now."""
    entry = RunStore(session.home).find(name)
    found = repeat(entry, launcher, data, limits)
    say(f"again {entry.id}: the same settings, and seed {found.request.seed}")
    for each in found.differences:
        say(f"differs now: {each}")
    if not found.differences:
        say("nothing that is recorded differs now")
    return found.request


def _requests(
    session: Session, options: LaunchOptions, full: bool, from_folds: str | None
) -> list[RunRequest]:
    """Build the requests; with ``full``, of runs that train on everything.

    Raises:
        UserError: a run is not possible as specified.
    """
    store = RunStore(session.home)
    if not full:
        if from_folds is not None:
            raise MisuseError("--from-folds is for --full")
        return [named_inputs(store, each) for each in requests_for(session.registry, options)]
    found = on_full_data(session.registry, store, options, from_folds)
    requests = requests_for(session.registry, found.options)
    if found.epochs_from:
        epochs = requests[0].experiment.training.epochs
        runs = f"{len(found.epochs_from)} runs of folds, {found.epochs_from[0]} and others"
        say(f"it trains for {epochs} epochs, the median best of {runs}")
    if found.note:
        say(f"warning: {found.note}")
    return [
        msgspec.structs.replace(named_inputs(store, each), epochs_from=found.epochs_from)
        for each in requests
    ]


def _report_started_before(session: Session, requests: Sequence[RunRequest]) -> None:
    """List the runs that were started before Ctrl-C."""
    runs = [RunDir(places.runs(session.home) / request.run) for request in requests]
    if begun := [run.id for run in runs if run.attempts()]:
        say(f"started before that, and running on: {' '.join(begun)}")


def _print_started(started: Sequence[RunDir], as_json: bool) -> None:
    """Print the runs' ids; as JSON, one object, or a list for several runs."""
    references = [rented_reference(run) for run in started]
    with telling_of(" ".join(run.id for run in started)):
        if as_json:
            told = [
                {"run": run.id, "folder": str(run.path), **reference}
                for run, reference in zip(started, references, strict=True)
            ]
            print_json(told if len(told) > 1 else told[0])
        else:
            print("\n".join(run.id for run in started), flush=True)
    for reference in filter(None, references):
        ids = [f"{name[:-3]} {value}" for name, value in reference.items() if name.endswith("_id")]
        say("  ".join(ids))
        if "app_url" in reference:
            say(reference["app_url"])


def _follow_each(runs: Sequence[RunDir], launcher: Launcher, resumes: int) -> int:
    """Follow the runs one after another; return the highest exit code."""
    worst = 0
    for number, run in enumerate(runs, start=1):
        if len(runs) > 1:
            say(f"{run.id}, {_which(run)} ({number} of {len(runs)})")
        state = follow(run, launcher, resumes=resumes)
        worst = max(worst, exit_code(state))
        if state is None:
            if number < len(runs):
                say("the runs after it go on as well; `mabe runs` lists them")
            break
    return worst


def _which(run: RunDir) -> str:
    """Identify one of several runs by its seed and fold."""
    request = run.read_request()
    data = request.experiment.data
    fold = "" if data.folds is None else f", fold {data.fold} of {data.folds}"
    return f"seed {request.seed}{fold}"


def _seeds(seed: int | None, seeds: str | None) -> tuple[int, ...]:
    if seeds is None:
        return () if seed is None else (seed,)
    if seed is not None:
        raise MisuseError("--seed and --seeds exclude one another; name all in --seeds")
    return parse_seeds(seeds)


def _show_dry_runs(
    session: Session, requests: Sequence[RunRequest], data: str, as_json: bool
) -> None:
    store = RunStore(session.home)
    foreseen = [forecast.dry_run(session.registry, store, each, data) for each in requests]
    if as_json:
        print_json(foreseen if len(foreseen) > 1 else foreseen[0])
        return
    for each in foreseen:
        for label, value in forecast.described(each).items():
            print(f"{label:<10} {value}")
    _show_changed(requests[0].experiment.name, foreseen[0].changed)
    say("dry run: nothing was started or written")


def _show_changed(version: str, changed: Sequence[Changed]) -> None:
    """Show the changes made by preset and overrides; `mabe show` has the rest."""
    rows = [[each.key, spell(each.registry), spell(each.run)] for each in changed]
    if rows:
        print()
        print_table(["setting", "registry", "this run"], rows)
    say(f"`mabe show {version}` has all settings, --json what this run would get")
