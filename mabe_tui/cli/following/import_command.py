"""``mabe import-log``: import the log of an earlier training script as a run."""

from pathlib import Path
from typing import Annotated

import typer

from mabe_tui.cli.following.foreign_logs import FOREIGN, fetch_printed
from mabe_tui.cli.options import DEFAULT_VERSION
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.output import say


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("import-log")(import_log)


def import_log(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|ap-…|fc-…",
            help="Output of an old training script: a file, or the log of a Modal app or call.",
        ),
    ],
    version: Annotated[
        str, typer.Option("--version", metavar="V", help="The version that it is a run of.")
    ] = DEFAULT_VERSION,
) -> None:
    """Turn an old log into a run, tagged `imported`; prints its id.

    Its figures are those that the log claims; nothing is measured again. From an app or call that is
    still running, what it has printed so far. Importing the same log again makes no second run.
    """
    from mabe_tui.runs.old_logs import import_log as importing

    session = session_of(context)
    is_foreign = FOREIGN.fullmatch(source) is not None
    printed = fetch_printed(source) if is_foreign else importing.read_old_log(Path(source))
    log = printed.log
    experiment = importing.experiment_of(session.registry, printed, version)
    if (before := importing.imported_before(session.home, printed, version)) is not None:
        say(
            f"imported before, as the run below; `mabe rm --all {before.id}` makes room for another"
        )
        print(before.id)
        return
    run = importing.import_log(session.home, printed, experiment)
    best = log.best
    said = f", best {best.words}" if best is not None else ""
    say(f"{len(log.epochs)} epochs, the last one {log.epochs[-1].epoch}{said}")
    print(run.id)
