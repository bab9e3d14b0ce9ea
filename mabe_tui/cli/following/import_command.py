"""``mabe import-log``: import the log of an earlier training script as a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from core.errors import MisuseError
from mabe_tui.cli.following.foreign_logs import FOREIGN, fetch_printed
from mabe_tui.cli.options import DEFAULT_VERSION
from mabe_tui.cli.session import Session, session_of
from mabe_tui.cli.terminal.output import say

SHOWN = 8
"""Names of metrics in a sentence."""


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("import-log")(import_log)


def import_log(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="PATH|ap-…|fc-…",
            help="Output of an old training script: a file, or the log of a Modal app or call; or metrics of"
            " another tool: TensorBoard's event files, CSV, Parquet, or a local W&B run.",
        ),
    ],
    version: Annotated[
        str, typer.Option("--version", metavar="V", help="The version that it is a run of.")
    ] = DEFAULT_VERSION,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="OURS=THEIRS",
            help="Of another tool's metrics: what one is called here; repeatable.",
        ),
    ] = None,
) -> None:
    """Turn an old log, or the metrics of another tool, into a run, tagged `imported`; prints its id.

    Its figures are those that the log claims; nothing is measured again. From an app or call that is
    still running, what it has printed so far. Importing the same log again makes no second run.
    """
    from mabe_tui.runs.old_logs import import_log as importing

    session = session_of(context)
    is_foreign = FOREIGN.fullmatch(source) is not None
    if not is_foreign and _import_metrics(session, Path(source), version, names or ()):
        return
    if names:
        raise MisuseError("--metric: only for metrics of another tool, not for a printed log")
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


def _import_metrics(session: Session, path: Path, version: str, names: Sequence[str]) -> bool:
    """Import the metrics of another tool; return whether the path has any."""
    from mabe_tui.runs.old_logs.import_metrics import import_metrics, read_metrics
    from mabe_tui.runs.old_logs.named_metrics import parse_names

    logged = read_metrics(path)
    if logged is None:
        return False
    found = import_metrics(session.home, session.registry, logged, version, parse_names(names))
    if found.was_here:
        say(f"imported before, as the run below; `mabe rm --all {found.run.id}` makes room")
    else:
        say(f"{len(logged.series)} metrics, {found.epochs} epochs")
        if not found.epochs:
            say(f"mabe: none of them is a metric of {version}; --metric OURS=THEIRS names one")
        if found.free:
            shown = ", ".join(found.free[:SHOWN])
            more = f" and {len(found.free) - SHOWN} more" if len(found.free) > SHOWN else ""
            say(f"not of the task, so kept as metrics of its own: {shown}{more}")
    print(found.run.id)
    return True
