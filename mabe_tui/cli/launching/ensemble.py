"""``mabe ensemble``: average the predictions of several runs, as a new run."""

from pathlib import Path
from typing import Annotated

import typer

from mabe_tui.cli.following.follow import exit_code, follow
from mabe_tui.cli.options import DetachOption
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.output import JsonOption, print_json, say, telling_of
from mabe_tui.launch.launcher import launcher_named
from mabe_tui.runs.launching.ensembles import DEFAULT_NAME, ensemble_of
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
            metavar="RUN|VERSION", help="Runs; a version stands for all its seeds and folds."
        ),
    ],
    name: Annotated[
        str,
        typer.Option(
            "--name", metavar="NAME", help="Name of the ensemble, in place of a version's."
        ),
    ] = DEFAULT_NAME,
    detach: DetachOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show its members; change nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Average the validation predictions of several runs. The result is a run on this computer.

    Its members must be trained with --keep-predictions. The runs of all folds count as one member. The run's
    id goes to standard output, everything else to standard error; exit codes are those of `mabe run`.
    """
    session = session_of(context)
    store = RunStore(session.home)
    request = ensemble_of(names, name, store, session.registry)
    made_of = [each.run for each in request.inputs]
    if dry_run:
        if as_json:
            print_json({"name": name, "title": request.experiment.title, "inputs": made_of})
        else:
            print("\n".join(made_of))
            say("dry run: nothing was started or written")
        return
    (run,) = start_requests(session.home, [request], say=say)
    with telling_of(run.id):
        if as_json:
            print_json({"run": run.id, "folder": str(Path(run.path)), "inputs": made_of})
        else:
            print(run.id, flush=True)
    if not detach:
        raise typer.Exit(exit_code(follow(run, launcher_named("local"))))
