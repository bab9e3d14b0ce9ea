"""``mabe ensemble``: make one prediction of those of several runs, as a new run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from core.config.experiment import EnsembleConfig, How
from core.errors import MisuseError
from core.run.inputs import how_combined
from core.run.request import RunRequest
from mabe_tui.cli.following.follow import exit_code, follow
from mabe_tui.cli.options import DetachOption
from mabe_tui.cli.session import Session, session_of
from mabe_tui.cli.terminal.output import JsonOption, print_json, say, telling_of
from mabe_tui.launch.launcher import RunState, launcher_named
from mabe_tui.runs.launching.ensembles import ensemble_of
from mabe_tui.runs.launching.snapshots import AT, names_a_checkpoint, snapshots_of, weights_of
from mabe_tui.runs.launching.start import start_requests
from mabe_tui.runs.store import RunStore


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("ensemble")(ensemble)


def ensemble(
    context: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|VERSION",
            help="Runs, or RUN@epoch-10; a version stands for all its seeds and folds.",
        ),
    ],
    how: Annotated[
        How, typer.Option(help="How the predictions become one; all but the mean are fitted.")
    ] = "mean",
    folds: Annotated[
        int,
        typer.Option(
            help="Parts of the validation data; what is fitted is measured on a part it has not seen.",
            min=2,
            max=1000,
        ),
    ] = 5,
    seed: Annotated[int, typer.Option(help="Of those parts and of the fit.", min=0)] = 42,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="Name of the ensemble, in place of a version's. Default: as --how.",
        ),
    ] = None,
    average_weights: Annotated[
        bool,
        typer.Option(
            "--average-weights",
            help="One model with the mean of the checkpoints' weights, in place of predictions.",
        ),
    ] = False,
    detach: DetachOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show its members; change nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Combine the validation predictions of several runs. The result is a run on this computer.

    Its members must be trained with --keep-predictions. The runs of all folds count as one member. The run's
    id goes to standard output, everything else to standard error; exit codes are those of `mabe run`.
    """
    session = session_of(context)
    if average_weights:
        if how != "mean":
            raise MisuseError("--average-weights averages weights; --how is for predictions")
        request = weights_of(names, name, RunStore(session.home), session.registry)
        make_ensemble(session, request, detach=detach, dry_run=dry_run, as_json=as_json)
        return
    if any(AT in each for each in names):
        names = _measured(session, names, detach=detach, dry_run=dry_run)
    ensemble = None
    if how != "mean":
        ensemble = EnsembleConfig(members=tuple(names), how=how, folds=folds, seed=seed)
    request = ensemble_of(names, name, RunStore(session.home), session.registry, ensemble)
    make_ensemble(session, request, detach=detach, dry_run=dry_run, as_json=as_json)


def _measured(session: Session, names: Sequence[str], *, detach: bool, dry_run: bool) -> list[str]:
    """Measure the checkpoints among some names, each as a run; return names of runs.

    Raises:
        UserError: there is no such checkpoint, or it cannot be measured.
        Exit: a run failed, or the user left it running.
    """
    store, found = RunStore(session.home), []
    for name in names:
        if not names_a_checkpoint(name):
            found.append(name.partition(AT)[0])
            continue
        for each in snapshots_of(name, store, session.registry):
            if each.existing is not None:
                found.append(each.existing.id)
                continue
            if detach or dry_run:
                raise MisuseError(
                    f"{name} has to be measured first: leave out --detach and --dry-run"
                )
            (run,) = start_requests(session.home, [each.request], say=say)
            say(f"{name}: measured by {run.id}")
            state = follow(run, launcher_named("local"))
            if state is not RunState.FINISHED:
                raise typer.Exit(exit_code(state))
            found.append(run.id)
    return found


def make_ensemble(
    session: Session,
    request: RunRequest,
    tags: tuple[str, ...] = (),
    *,
    detach: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Start an ensemble and follow it.

    Raises:
        UserError: it cannot be started.
        Exit: once it has ended, with the exit code of the command.
    """
    made_of = [each.run for each in request.inputs or request.averaged]
    if dry_run:
        if as_json:
            about = request.experiment
            print_json(
                {
                    "name": about.name,
                    "title": about.title,
                    "how": how_combined(request),
                    "inputs": made_of,
                }
            )
        else:
            print("\n".join(made_of))
            say("dry run: nothing was started or written")
        return
    (run,) = start_requests(session.home, [request], tags, say=say)
    with telling_of(run.id):
        if as_json:
            print_json({"run": run.id, "folder": str(Path(run.path)), "inputs": made_of})
        else:
            print(run.id, flush=True)
    if not detach:
        raise typer.Exit(exit_code(follow(run, launcher_named("local"))))
