"""``mabe data download``, ``push`` and ``ls``: data that come from, or go to, somewhere else."""

from pathlib import Path
from typing import Annotated

import typer

from mabe_tui.cli.output import JsonOption, print_json, print_table, progress, say

MOUNT = "/vol"
COMPETITION = "MABe-mouse-behavior-detection"
Folder = Annotated[Path, typer.Argument(help="A folder in the competition's layout.")]


def register(data: typer.Typer) -> None:
    """Add these commands to ``mabe data``."""
    data.command("download")(download)
    data.command("push")(push)
    data.command("ls")(list_folders)


def download(
    folder: Annotated[Path, typer.Argument(help="Where to put the files.")],
    competition: Annotated[
        str, typer.Option(help="As in kaggle.com/competitions/NAME.")
    ] = COMPETITION,
) -> None:
    """Fetch the competition's data from Kaggle; the same command goes on where it was broken off."""
    from mabe_tui.kaggle_io.download import download as fetch

    with progress(f"fetching {competition}") as tell:
        written = fetch(folder, competition, tell)
    say(f"{written} files; `mabe data check {folder}` looks them over")
    print(folder)


def push(
    folder: Folder,
    name: Annotated[
        str | None, typer.Option(help="What it is called there; none: as the folder.")
    ] = None,
) -> None:
    """Bring a data folder to Modal, for `mabe run … --on modal --data /vol/NAME`; prints that path.

    What is there already is not sent again, so that it can be interrupted.
    """
    from core.data.competition import labelled, read_videos
    from mabe_tui.launch import modal_data

    usable, left_out = labelled(read_videos(folder))
    called = name or folder.resolve().name
    with progress(f"sending {called}") as tell:
        sent = modal_data.push(folder, called, tell)
    say(f"{len(usable)} labelled videos ({len(left_out)} left out); {sent} files were sent")
    print(f"{MOUNT}/{called}")


def list_folders(as_json: JsonOption = False) -> None:
    """List the data on Modal's volume."""
    from mabe_tui.launch import modal_data

    folders = modal_data.folders()
    if as_json:
        print_json(folders)
        return
    if not folders:
        say("nothing yet; `mabe data push DIR` brings a folder there")
        return
    rows = [[f"{MOUNT}/{f.name}", f.files, f"{f.bytes / 2**20:,.1f}"] for f in folders]
    print_table(["--data", "files", "MiB"], rows, right=[1, 2])
