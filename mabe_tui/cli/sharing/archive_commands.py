"""``mabe archive`` and ``mabe unarchive``: a run as one file."""

from pathlib import Path
from typing import Annotated

import typer

from mabe_tui.cli.listing.status import find_run
from mabe_tui.cli.options import ForceOption, RunName, require_targets
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.output import JsonOption, print_json, progress, say
from mabe_tui.runs.format.units import size_text


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("archive")(archive)
    app.command("unarchive")(unarchive)


def archive(
    context: typer.Context,
    run: RunName,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The file; default: RUN.zip here."),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a run to one file: settings, events, logs, checkpoints, evaluation, with all hashes.

    `mabe unarchive` makes the same run of it, here or elsewhere. A run that is alive is refused.
    """
    from mabe_tui.runs.archives.pack import missing_checkpoints, pack

    entry = find_run(context, run)
    target = output if output is not None else Path(f"{entry.id}.zip")
    require_targets(force, target)
    if missing := missing_checkpoints(entry.run):
        say(f"mabe: not here, so not in the archive: {', '.join(missing)} (`mabe pull {entry.id}`)")
    with progress("archiving") as tell:
        manifest = pack(entry, target, tell)
    if manifest.inputs:
        say(f"made of other runs, which are not in it: {' '.join(manifest.inputs)}")
    size = target.stat().st_size
    if as_json:
        print_json(
            {"run": entry.id, "file": target, "bytes": size, "files": len(manifest.files)}
            | {"inputs": manifest.inputs}
        )
        return
    say(f"{len(manifest.files)} files, {size_text(size)}")
    print(target)


def unarchive(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file from `mabe archive`.")],
    as_json: JsonOption = False,
) -> None:
    """Add an archived run to the runs here, after checking every file; prints its id.

    A run with this id that is here already is left alone: the same is said so, another is refused.
    """
    from mabe_tui.runs.archives.unpack import unpack

    with progress("unpacking") as tell:
        found = unpack(file, session_of(context).home, tell)
    if found.missing:
        say(f"made of other runs, which are not here: {' '.join(found.missing)}")
    if as_json:
        print_json(
            {"run": found.run.id, "folder": found.run.path, "was_here": found.was_here}
            | {"missing": found.missing}
        )
        return
    if found.was_here:
        say("already here, with the same files")
    print(found.run.id)
