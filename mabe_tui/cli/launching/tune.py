"""``mabe tune``: search a version's settings; each trial is a run."""

import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from core.config.experiment import Experiment
from core.config.overrides import parse_override
from core.config.registry import VERSION_NAME
from core.errors import ConfigError, MisuseError
from core.run.limits import Limits
from core.run.request import RunRequest
from mabe_tui.cli.launching.cost_question import agree_on_cost
from mabe_tui.cli.launching.importance import show_importance
from mabe_tui.cli.options import (
    MOST_RUNS,
    BudgetOption,
    ForceOption,
    MaxTimeOption,
    SetOption,
    YesOption,
)
from mabe_tui.cli.session import Session, session_of
from mabe_tui.cli.terminal.output import NO_BREAK, JsonOption, print_json, say, wrapped
from mabe_tui.launch.launcher import Launcher, launcher_named
from mabe_tui.runs.format.units import parse_duration
from mabe_tui.runs.launching import run_requests
from mabe_tui.runs.launching.run_requests import LaunchOptions, check_data, experiment_for
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.studies.definition import Prune, Sampler
from mabe_tui.runs.tasks import spec_of

if TYPE_CHECKING:  # optuna is slow to import
    from mabe_tui.runs.studies.savings import Savings
    from mabe_tui.runs.studies.study import Study, TrialResult

FOLDER = "tune"


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("tune")(tune)


class TuneReport(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON of ``mabe tune --json``."""

    study: str
    folder: str
    version: str
    monitor: str
    trials: list["TrialResult"]
    best: "TrialResult | None"
    saved: "Savings | None"
    """What it has saved to end hopeless trials; ``None`` if none was."""
    command: str | None
    """The command that keeps the best trial as a version."""


def tune(
    context: typer.Context,
    version: Annotated[
        str | None, typer.Argument(help="A version in the registry, such as v6.")
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            help="Trials in the whole study, earlier ones included; a grid has its own number.",
            min=1,
            max=MOST_RUNS,
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="A data folder in the competition's layout.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="Apply a preset from the registry.")] = None,
    overrides: SetOption = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the study; default: version and preset.")
    ] = None,
    sampler: Annotated[
        Sampler,
        typer.Option(
            metavar="tpe|random|grid",
            help="Guided by earlier trials, at random, or all combinations.",
        ),
    ] = "tpe",
    prune: Annotated[
        Prune,
        typer.Option(metavar="median|hyperband|none", help="How hopeless trials are ended early."),
    ] = "median",
    parallel: Annotated[int, typer.Option(help="Trials at a time.", min=1, max=MOST_RUNS)] = 1,
    on: Annotated[
        str | None,
        typer.Option(metavar="local|modal", help="Where to run; default: as in the registry."),
    ] = None,
    max_time: MaxTimeOption = None,
    budget: BudgetOption = None,
    importance: Annotated[
        str | None,
        typer.Option(
            "--importance", metavar="STUDY", help="Instead: which settings of a study matter."
        ),
    ] = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="With --importance: as a picture.")
    ] = None,
    force: ForceOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Search the ranges in [experiments.V.tune]: each trial is a run, and poor ones stop early.

    The same command continues an interrupted study: finished trials are not repeated, and runs that are
    still going are followed again. Time and budget are limits per trial.
    """
    session = session_of(context)
    if importance is not None:
        if version is not None or trials is not None:
            raise MisuseError(
                "--importance STUDY is of a study that there is: leave out the version and --trials"
            )
        show_importance(session.home / FOLDER / importance, svg, force, as_json)
        return
    if svg is not None:
        raise MisuseError("--svg goes with --importance")
    if version is None:
        raise MisuseError("name a version, as in `mabe tune v6 --trials 30`, or --importance STUDY")
    from mabe_tui.runs.studies.definition import definition_of
    from mabe_tui.runs.studies.sampling import check_grid
    from mabe_tui.runs.studies.study import open_study

    seconds = parse_duration(max_time) if max_time is not None else None
    options = LaunchOptions(
        version=version,
        launcher=on,
        data=data,
        overrides=tuple(overrides or ()),
        preset=preset,
        limits=Limits(seconds=seconds, cost_usd=budget),
    )
    as_is = experiment_for(session.registry, options)
    experiment = _tuned(as_is, options.overrides, session.registry.path)
    if sampler == "grid":
        trials = check_grid(experiment, trials)
    if trials is None:
        raise MisuseError("--trials N: how many? A search has no end of its own; only a grid has")
    study_name = name or "-".join(filter(None, [version, preset]))
    if not VERSION_NAME.fullmatch(study_name):
        raise ConfigError(f"--name {study_name}: letters, digits, '_', '.', '-' only, 40 at most")
    launcher = launcher_named(on or experiment.hardware.launcher)

    def request_for(drawn: list[str]) -> RunRequest:
        every = (*options.overrides, *drawn)
        return run_requests.request_for(
            session.registry, msgspec.structs.replace(options, overrides=every)
        )

    first = request_for([])
    say(f"data: {check_data(first)}")
    agree_on_cost(RunStore(session.home), [first] * trials, yes)
    launcher.require_ready(first)
    folder = session.home / FOLDER / study_name
    definition = definition_of(experiment, preset, options.overrides, data, launcher.name, sampler)
    with open_study(folder, definition, experiment, prune) as study:
        _work(study, study_name, session.home, launcher, request_for, (trials, parallel), as_json)
        results = study.results()
    _finish(session, experiment, overrides or [], preset, (study_name, folder), results, as_json)


def _tuned(experiment: Experiment, overrides: Sequence[str], registry: Path) -> Experiment:
    """Leave out the ranges of settings that an override fixes.

    Raises:
        ConfigError: no range is left, or there is no validation to compare trials by.
    """
    if not experiment.data.validates:
        raise ConfigError(
            f"{experiment.name}: data.validation_fraction = 0 leaves nothing to compare trials on;"
            " use a share above 0, or folds"
        )
    fixed = {parse_override(text, type(experiment))[0] for text in overrides}
    ranges = {path: bounds for path, bounds in experiment.tune.items() if path not in fixed}
    if not ranges:
        table = f"[experiments.{experiment.name}.tune]"
        raise ConfigError(
            f"{registry}: {experiment.name} has no ranges to tune; write a table {table},"
            " such as training.learning_rate = { low = 1e-4, high = 1e-2, log = true }"
        )
    return msgspec.structs.replace(experiment, tune=ranges)


def _work(
    study: "Study",
    name: str,
    home: Path,
    launcher: Launcher,
    request_for: Callable[[list[str]], RunRequest],
    counts: tuple[int, int],
    as_json: bool,
) -> None:
    """Run the trials, printing a line as each ends."""
    from mabe_tui.runs.studies.tuning import Tuner

    tell = say if as_json else _print_now
    tuner = Tuner(study, name, home, launcher, request_for, tell=say)
    try:
        for result in tuner.results(*counts):
            tell(line_of(result))
    except KeyboardInterrupt:
        runs = ", ".join(tuner.under_way) or "no run"
        say(f"\nleft: {runs} under way, and running on; the same command takes the study up again")
        raise


def _print_now(line: str) -> None:
    print(wrapped(line, "    "), flush=True)


def line_of(result: "TrialResult") -> str:
    """Format a trial's result on one line."""
    values = "  ".join(
        f"{path.rpartition('.')[2]}{NO_BREAK}{_short(value)}"
        for path, value in result.values.items()
    )
    reached = "–" if result.metric is None else f"{result.metric:.4f} at epoch {result.epoch}"
    why = f"  ({result.problem})" if result.problem else ""
    return f"trial {result.trial:<3} {result.outcome:<8} {reached:<20} {values}  {result.run or ''}{why}"


def _short(value: str) -> str:
    try:
        return f"{float(value):.4g}"
    except ValueError:
        return value


LUCK = (
    "(the {highest} of several trials, one seed each, is partly luck: train 2 or more seeds of {version} and"
    " of the new version, and let `mabe compare` say whether it is better)"
)


def _finish(
    session: Session,
    experiment: Experiment,
    overrides: Sequence[str],
    preset: str | None,
    study: tuple[str, Path],
    results: "list[TrialResult]",
    as_json: bool,
) -> None:
    """Report the best trial and the command that keeps it."""
    from mabe_tui.runs.studies.savings import savings_of
    from mabe_tui.runs.studies.study import best_of

    monitor = experiment.training.monitor
    rises = spec_of(experiment).rises(monitor)
    best, highest = best_of(results, rises), "highest" if rises else "lowest"
    command = _keeping(session, experiment.name, overrides, best) if best is not None else None
    saved = savings_of(results, RunStore(session.home))
    name, folder = study
    if as_json:
        print_json(
            TuneReport(
                study=name, folder=str(folder), version=experiment.name, monitor=monitor,
                trials=results, best=best, saved=saved, command=command,
            )
        )  # fmt: skip
    elif best is not None:
        print(
            f"\n{highest} of {len(results)}: trial {best.trial}, {monitor} {best.metric:.4f}, {best.run}"
        )
        print(command)
        if saved is not None:
            say(saved.sentence)
        if len(results) > 1:
            say(LUCK.format(highest=highest, version=experiment.name))
    if best is None:
        say(f"no trial of {name} was completed; `mabe runs --tag tune:{name}` lists their runs")
        raise typer.Exit(1)
    if preset is not None and not as_json:
        say(f"(the preset {preset} is not part of it: the trials were scaled down)")


def _keeping(session: Session, version: str, overrides: Sequence[str], best: "TrialResult") -> str:
    """Return the command that makes a version of a trial."""
    settings = [*overrides, *(f"{path}={value}" for path, value in best.values.items())]
    words = ["mabe", "new", _free_name(session, version), "--extends", version]
    return shlex.join([*words, *(word for setting in settings for word in ("--set", setting))])


def _free_name(session: Session, version: str) -> str:
    """Suggest a name: the next number if versions are numbered."""
    versions = session.registry.versions
    numbered = [int(match[1]) for each in versions if (match := re.fullmatch(r"v(\d+)", each))]
    if numbered and re.fullmatch(r"v\d+", version):
        return f"v{max(numbered) + 1}"
    return f"{version}-tuned"
