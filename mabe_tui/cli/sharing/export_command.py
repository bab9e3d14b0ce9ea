"""``mabe export``: the curves of runs in the form of other tools."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal

import typer

from core.errors import MisuseError
from mabe_tui.cli.following.logs import StateLook, up_to_date
from mabe_tui.cli.listing.status import find_runs
from mabe_tui.cli.options import ForceOption, RunNames
from mabe_tui.cli.terminal.output import JsonOption, print_json, progress, say
from mabe_tui.runs.store import RunEntry

POLL_SECONDS = 1.0


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("export")(export)


def export(
    context: typer.Context,
    runs: RunNames,
    to: Annotated[
        Literal["tensorboard", "wandb-offline", "csv", "parquet"],
        typer.Option("--to", help="The form."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="The folder to write to.")
    ],
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", "-f", help="With tensorboard: go on until the runs end, as they report."
        ),
    ] = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the curves of runs for another tool, with the steps and times of each value.

    What a resume superseded is left out. `tensorboard` makes a folder of event files for each run,
    `wandb-offline` an offline run that `wandb sync` can upload (nothing is sent by mabe), `csv` and
    `parquet` a file for each run with a row for each value.
    """
    from mabe_tui.runs.exports.export import export_run, require_form, target_of

    if follow and to != "tensorboard":
        raise MisuseError(f"--follow: only for --to tensorboard, not for {to}")
    require_form(to)
    entries = find_runs(context, runs)
    if follow:
        _follow(entries, [target_of(entry, to, output, force) for entry in entries], as_json)
        return
    targets = []
    for entry in entries:
        with up_to_date(entry, follow=False), progress(f"exporting {entry.short}") as tell:
            targets.append(export_run(entry, to, output, force, tell))
    _print_targets(entries, targets, as_json)


def _print_targets(entries: Sequence[RunEntry], targets: Sequence[Path], as_json: bool) -> None:
    if as_json:
        pairs = zip(entries, targets, strict=True)
        print_json([{"run": entry.id, "path": target} for entry, target in pairs])
    else:
        print("\n".join(str(target) for target in targets), flush=True)


def _follow(entries: Sequence[RunEntry], targets: Sequence[Path], as_json: bool) -> None:
    """Export runs until all have ended, or until Ctrl-C."""
    from mabe_tui.runs.exports.followed import FollowedExport
    from mabe_tui.runs.exports.tensorboard import remove_event_files

    with ExitStack() as stack:
        going: list[tuple[FollowedExport, StateLook]] = []
        for entry, target in zip(entries, targets, strict=True):
            stack.enter_context(up_to_date(entry, follow=True))
            remove_event_files(target)
            followed = FollowedExport(entry, target)
            stack.callback(followed.close)
            going.append((followed, StateLook(entry, follow=True)))
        _print_targets(entries, targets, as_json)
        try:
            while going:
                alive = [(each, look) for each, look in going if look.may_speak()]
                for each, _ in going:  # also once after the end, so that the export is complete
                    each.update()
                going = alive
                time.sleep(POLL_SECONDS if going else 0)
        except KeyboardInterrupt:
            say("no longer followed; the runs go on")
            raise typer.Exit(0) from None
