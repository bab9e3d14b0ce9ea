"""``mabe run``: start a version, and follow it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from core.errors import ConfigError, DataError
from core.experiment import Experiment
from core.rundir import Limits, RunDir, RunRequest
from mabe_tui.cli.cost import (
    BudgetOption,
    agree_on_cost,
    cost_line,
    limits_line,
    rented_reference,
)
from mabe_tui.cli.follow import exit_code, follow
from mabe_tui.cli.lines import short_duration
from mabe_tui.cli.output import JsonOption, duration, print_json, print_table, say
from mabe_tui.cli.registry_commands import SetOption, Version, differences, say_left_out, spell
from mabe_tui.cli.session import Session, session_of
from mabe_tui.cli.tidy import YesOption
from mabe_tui.launch.launcher import Launcher, Quote, launcher_named
from mabe_tui.runs.start import Estimate, estimate, new_request, start_runs
from mabe_tui.runs.store import RunStore

FEWEST_VIDEOS = 2
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
DetachOption = Annotated[
    bool, typer.Option("--detach", "-d", help="Start it and return; otherwise its log is followed.")
]
MaxTimeOption = Annotated[
    str | None,
    typer.Option(metavar="2h", help="Stop with a checkpoint after this long, over all attempts."),
]


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("run")(run)


class DryRun(msgspec.Struct, frozen=True, kw_only=True):
    """What ``mabe run --dry-run --json`` gives."""

    request: RunRequest
    quote: Quote
    estimate: Estimate | None
    data: str


def run(
    context: typer.Context,
    version: Version,
    on: Annotated[
        str | None, typer.Option(metavar="local|modal", help="Where; else as the registry says.")
    ] = None,
    detach: DetachOption = False,
    data: Annotated[Path | None, typer.Option(help="A folder in the competition's layout.")] = None,
    overrides: SetOption = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the registry's.", min=0)] = None,
    seeds: Annotated[
        str | None,
        typer.Option(metavar="1,2,3", help="A run a seed; those that wait are queued."),
    ] = None,
    parallel: Annotated[
        int | None,
        typer.Option(help="Seeds at a time; else one here, and all on Modal.", min=1),
    ] = None,
    preset: Annotated[str | None, typer.Option(help="Apply a preset of the registry.")] = None,
    max_time: MaxTimeOption = None,
    budget: BudgetOption = None,
    yes: YesOption = False,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="T", help="Tag it; repeatable.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show all that would happen; touch nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a version. The run goes on whatever becomes of this terminal.

    Standard output gets the run's id, standard error all else. Exit code: 0 finished or left running,
    1 failed, 3 stopped, 4 preempted, 5 died without a word.
    """
    session = session_of(context)
    requests = [
        _request(session, version, on, data, overrides or [], each, preset, max_time, budget)
        for each in _seeds(seed, seeds)
    ]
    say_left_out(session.registry.experiment(version), requests[0].experiment)
    described = check_data(requests[0], version)
    launcher = launcher_named(requests[0].launcher)
    if dry_run:
        _show_dry_runs(session, launcher, requests, described, as_json)
        return
    agree_on_cost(RunStore(session.home), requests, yes)
    launcher.require_ready(requests[0])
    started = start_runs(session.home, requests, launcher, tags or [], parallel)
    for each in started:
        _tell_started(each, as_json)
    if detach:
        say("running on its own; `mabe runs` lists all, and this follows it:")
        say(f"  mabe logs -f {started[0].id}")
        return
    raise typer.Exit(_follow_each(started, launcher))


def _tell_started(started: RunDir, as_json: bool) -> None:
    reference = rented_reference(started)
    if as_json:
        print_json({"run": started.id, "folder": str(started.path), **reference})
    else:
        print(started.id, flush=True)
    if reference:
        say("  ".join(f"{name.removesuffix('_id')} {value}" for name, value in reference.items()))


def _follow_each(runs: Sequence[RunDir], launcher: Launcher) -> int:
    """Follow one run after another; gives the highest of their exit codes."""
    worst = 0
    for number, run in enumerate(runs, start=1):
        if len(runs) > 1:
            say(f"{run.id}, seed {run.read_request().seed} ({number} of {len(runs)})")
        state = follow(run, launcher)
        worst = max(worst, exit_code(state))
        if state is None:
            if number < len(runs):
                say("the seeds after it go on as well; `mabe runs` lists them")
            break
    return worst


def _request(
    session: Session,
    version: str,
    on: str | None,
    data: Path | None,
    overrides: list[str],
    seed: int | None,
    preset: str | None,
    max_time: str | None,
    budget: float | None,
) -> RunRequest:
    implied = [f"training.seed={seed}"] if seed is not None else []
    if data is not None:
        implied.append("data.source=competition")
    experiment = session.registry.experiment(version, [*overrides, *implied], preset)
    seconds = parse_duration(max_time) if max_time is not None else None
    launcher = on or experiment.hardware.launcher
    request = new_request(
        experiment,
        launcher,
        overrides=overrides,
        preset=preset,
        data=data,
        limits=Limits(seconds=seconds, cost_usd=budget),
    )
    return launcher_named(launcher).prepare(request)


def _seeds(seed: int | None, seeds: str | None) -> list[int | None]:
    if seeds is None:
        return [seed]
    if seed is not None:
        raise ConfigError("--seed and --seeds exclude one another; name all in --seeds")
    numbers = [part.strip() for part in seeds.split(",")]
    if not all(re.fullmatch(r"\d+", number) for number in numbers):
        raise ConfigError(f"--seeds {seeds}: write whole numbers from 0, as in --seeds 42,2023")
    chosen = [int(number) for number in numbers]
    if len(set(chosen)) != len(chosen):
        raise ConfigError(f"--seeds {seeds}: a seed is named twice; each is one run")
    return [*chosen]


def check_data(request: RunRequest, version: str) -> str:
    """Describe the data of a run, having looked that they are there.

    Raises:
        ConfigError: the version needs a data folder and none was named.
        DataError: what was named is no data folder, or has no labelled video.
    """
    settings = request.experiment.data
    if settings.source == "synthetic":
        videos, frames = settings.synthetic_videos, settings.synthetic_frames
        return f"synthetic, made by the run: {videos} videos of {frames} frames"
    if request.data is None:
        raise ConfigError(
            f"{version} learns from a data folder: `mabe run {version} --data DIR`"
            " (`mabe data synth DIR` makes one to try it on)"
        )
    if request.launcher != "local":
        launcher_named(request.launcher).quote(request)  # refuses what cannot be seen from there
        return request.data
    from core.data.competition import labelled, read_videos

    usable, left_out = labelled(read_videos(Path(request.data)))
    if len(usable) < FEWEST_VIDEOS:
        raise DataError(
            f"{request.data}: {len(usable)} labelled videos with their files ({len(left_out)} left out);"
            " at least two are needed, one of them for validation (`mabe data check` says more)"
        )
    return f"{request.data}: {len(usable)} labelled videos ({len(left_out)} left out)"


def parse_duration(text: str) -> float:
    """Read ``2h``, ``1h30m`` or ``90m``; gives seconds.

    Raises:
        ConfigError: it is none of these, has no unit, or is 0.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text.strip().lower())
    if "".join(number + unit for number, unit in parts) == text.strip().lower() and parts:
        seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    else:
        seconds = 0.0
    if seconds <= 0:
        raise ConfigError(f"--max-time {text}: write it as 2h, 1h30m, 45m or 90s, with its unit")
    return seconds


def _show_dry_runs(
    session: Session,
    launcher: Launcher,
    requests: Sequence[RunRequest],
    data: str,
    as_json: bool,
) -> None:
    store = RunStore(session.home)
    dry_runs = [
        DryRun(request=r, quote=launcher.quote(r), estimate=estimate(store, r), data=data)
        for r in requests
    ]
    if as_json:
        print_json(dry_runs if len(dry_runs) > 1 else dry_runs[0])
        return
    for dry_run in dry_runs:
        _show_dry_run(dry_run)
    _show_changes(session, requests[0].experiment)
    say("dry run: nothing was started or written")


def _show_changes(session: Session, experiment: Experiment) -> None:
    """Show what a preset and overrides change; `mabe show` has the rest."""
    changed = differences(session.registry.experiment(experiment.name), experiment)
    rows = [[key, spell(a), spell(b)] for key, a, b in changed]
    if rows:
        print()
        print_table(["setting", "registry", "this run"], rows)
    say(f"`mabe show {experiment.name}` has all settings, --json what this run would get")


def _show_dry_run(dry_run: DryRun) -> None:
    request, quote, guess = dry_run.request, dry_run.quote, dry_run.estimate
    price = "no charge" if quote.usd_per_hour is None else f"${quote.usd_per_hour:.2f} an hour"
    time = "no earlier run of this version here to go by"
    if guess is not None:
        each = short_duration(guess.seconds_per_epoch)
        time = f"{duration(guess.seconds)} at most, at {each} an epoch as in {guess.from_run}"
    for label, value in {
        "version": request.experiment.name,
        "preset": request.preset or "none",
        "seed": request.seed,
        "data": dry_run.data,
        "on": f"{quote.launcher}: {quote.machine}, {price}",
        "estimate": time,
        "cost": cost_line(request, guess),
        "limit": limits_line(request.limits),
        "command": " ".join(quote.command).replace(request.run, "RUN"),
    }.items():
        print(f"{label:<10} {value}")
