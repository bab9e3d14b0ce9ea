"""``mabe data download``, ``push`` and ``ls``: transfer data from Kaggle and to and from Modal."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from core.errors import ConfigError, MisuseError, UserError
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.cli.data.layout import layout_of
from mabe_tui.cli.options import DEFAULT_VERSION, DataFolder
from mabe_tui.cli.session import Session, session_of
from mabe_tui.cli.terminal.output import (
    JsonOption,
    if_interrupted,
    print_json,
    print_table,
    progress,
    say,
    telling_of,
)
from mabe_tui.runs.following.connection import turns

if TYPE_CHECKING:
    from mabe_tui.launch.data_messages import DownloadReady, DownloadRequest
    from mabe_tui.launch.modal.apps import RunningApp
    from mabe_tui.launch.modal.data import RemoteFolder

MOUNT = "/vol"
COMPETITION = "MABe-mouse-behavior-detection"


def register(data: typer.Typer) -> None:
    """Add these commands to ``mabe data``."""
    data.command("download", short_help="Fetch the competition's data from Kaggle.")(download)
    data.command("push", short_help="Bring a data folder to Modal.")(push)
    data.command("ls", short_help="List the data on Modal's volume.")(list_folders)


def download(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(help="The folder for the files; on Modal, a name on its volume.")
    ] = Path("mabe"),
    on: Annotated[
        Literal["local", "modal"],
        typer.Option(help="modal: into Modal's volume, without passing through this computer."),
    ] = "local",
    competition: Annotated[
        str, typer.Option(help="The competition, as in kaggle.com/competitions/NAME.")
    ] = COMPETITION,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="On Modal: start it and return.")
    ] = False,
    secret: Annotated[
        str, typer.Option(help="On Modal: the secret with the Kaggle credentials.")
    ] = "kaggle-secret",
    version: Annotated[
        str, typer.Option("--version", metavar="V", help="On Modal: the version to prepare for.")
    ] = DEFAULT_VERSION,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="On Modal: leave out damaged videos.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Download and write all files again, even if they are here."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Download the competition's data from Kaggle; the same command continues an interrupted download.

    Complete files are checked and not downloaded again.

    With `--on modal`, Modal downloads, checks and prepares them; this command only follows and may be ended.
    """
    if on == "modal":
        if force:
            raise ConfigError(
                f"--force is for this computer; `modal volume rm -r mabe-data {folder.name}` makes room there"
            )
        name = str(folder).removeprefix(f"{MOUNT}/")
        order = _order(session_of(context), name, competition, secret, version, skip_bad)
        _download_on_modal(order, detach, as_json)
        return
    if detach or skip_bad:
        raise MisuseError("--detach and --skip-bad are for --on modal")
    written = 0 if _is_here(folder, competition, force) else _fetch(folder, competition, force)
    print_json({"folder": folder, "files": written}) if as_json else print(folder)


def _is_here(folder: Path, competition: str, force: bool) -> bool:
    """Return whether a download has been completed here and all its files still exist."""
    from mabe_tui.kaggle_io.receipt import missing_files

    missing = None if force else missing_files(folder, competition)
    if missing == []:
        say(f"{folder}: all files of {competition} are here; --force fetches them again")
        return True
    if missing is not None:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        say(f"{folder}: {missing[0]}{more} gone or damaged; fetching again")
    return False


def _fetch(folder: Path, competition: str, anew: bool) -> int:
    from mabe_tui.kaggle_io.download import download as fetch

    with if_interrupted(), progress(f"fetching {competition}") as tell:
        written = fetch(folder, competition, tell, anew=anew)
    say(f"files written: {written}; `mabe data check {folder}` looks them over")
    return written


def _order(
    session: Session, name: str, competition: str, secret: str, version: str, skip_bad: bool
) -> "DownloadRequest":
    from mabe_tui.launch.data_messages import DownloadRequest

    experiment = session.registry.experiment(version)
    keypoints, mice = layout_of(experiment, "`mabe data download`")
    classed = experiment if isinstance(experiment, BehaviourExperiment) else None
    return DownloadRequest(
        name=name,
        competition=competition,
        secret=secret,
        keypoints=keypoints,
        mice=mice,
        actions=None if classed is None else dict(classed.actions),
        classes=() if classed is None else tuple(classed.classes),
        skip_bad=skip_bad,
    )


def _download_on_modal(order: "DownloadRequest", detach: bool, as_json: bool) -> None:
    from mabe_tui.launch.modal import download as modal_download

    there = modal_download.find(order.name)
    follows = "" if detach else "; following it"
    if there is None:
        there, cost = modal_download.start(order, say), modal_download.usd_per_hour()
        say(
            f"fetching on Modal as {there.reference}, about ${cost:.2f} an hour, whatever becomes of this"
            " terminal"
        )
    elif there.doubt:
        say(f"whether {there.reference} goes on is not known now ({there.doubt}){follows}")
    else:
        say(f"it is under way as {there.reference}{follows}")
    reference = there.reference
    if detach:
        say("the same command without -d follows it; `mabe data ls` shows how far it is")
        with telling_of(f"the download {reference}"):
            print_json({"reference": reference}) if as_json else print(
                f"{MOUNT}/{order.name}", flush=True
            )
        return
    told = turns(say, f"the download {order.name}")
    with if_interrupted(modal_download.GOES_ON), progress(f"fetching {order.name}") as show:
        ended = modal_download.follow(there, show, say, told)
    _print_ready(order, modal_download.conclude(there, ended, say), as_json)


def _print_ready(order: "DownloadRequest", ready: "DownloadReady", as_json: bool) -> None:
    from mabe_tui.cli.data.data_report import report_lines

    if as_json:
        print_json({"data": f"{MOUNT}/{order.name}", "result": ready})
        return
    say("\n".join(report_lines(ready.report)))
    say(
        f"{ready.videos} videos, {ready.frames:,} frames prepared for {order.mice} mice × {order.keypoints}"
    )
    print(f"{MOUNT}/{order.name}")


def push(
    folder: DataFolder,
    name: Annotated[
        str | None, typer.Option(help="Its name on Modal; default: the folder's name.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Upload a data folder to Modal, for `mabe run … --on modal --data /vol/NAME`; prints that path.

    Files that are already there are not sent again, so it can be interrupted.
    """
    from core.data.competition import labelled, read_videos
    from mabe_tui.launch.modal import data as modal_data

    usable, left_out = labelled(read_videos(folder))
    called = name or folder.resolve().name
    with if_interrupted(), progress(f"sending {called}") as tell:
        sent = modal_data.push(folder, called, tell)
    data = f"{MOUNT}/{called}"
    if as_json:
        videos = {"videos": len(usable), "left_out": len(left_out)}
        print_json({"data": data, "files_sent": sent} | videos)
        return
    say(f"{len(usable)} labelled videos ({len(left_out)} left out); {sent} files were sent")
    print(data)


def list_folders(as_json: JsonOption = False) -> None:
    """List the data on Modal's volume, and the progress of downloads there."""
    from mabe_tui.launch.modal import data as modal_data

    folders = modal_data.folders()
    rows = [
        {"name": f.name, "files": f.files, "bytes": f.bytes, "state": state}
        for f, state in zip(folders, _states(folders), strict=True)
    ]
    if as_json:
        print_json(rows)
        return
    if not rows:
        from mabe_tui.launch.modal.place import here

        say(
            f"nothing yet in {here()}; `mabe data push DIR` brings a folder there,"
            " `mabe data download --on modal` the competition's"
        )
        return
    cells = [
        [f"{MOUNT}/{f.name}", f.files, f"{f.bytes / 2**20:,.1f}", row["state"]]
        for f, row in zip(folders, rows, strict=True)
    ]
    print_table(["--data", "files", "MiB", "state"], cells, right=[1, 2])


def _states(folders: Sequence["RemoteFolder"]) -> list[str | None]:
    """Return the state of each download; ``None`` for data that were pushed or made there."""
    if all(folder.status is None for folder in folders):
        return [None] * len(folders)
    from mabe_tui.launch.modal import download as modal_download
    from mabe_tui.launch.modal.apps import running_apps

    try:
        apps = running_apps()
    except UserError:
        if any(folder.status and folder.status.ended is None for folder in folders):
            raise
        apps = []  # completed downloads are only known from the volume
    modal_download.stop_ended({f.name for f in folders if f.status and f.status.ended}, apps)
    return [_state(folder, apps) for folder in folders]


def _state(folder: "RemoteFolder", apps: Sequence["RunningApp"]) -> str | None:
    from mabe_tui.launch.modal import download as modal_download

    if folder.status is None:
        return None
    if folder.status.ended is not None:
        return f"failed: {folder.problem}" if folder.problem else "ready"
    there = modal_download.find(folder.name, apps)
    if there is None:
        return "broken off; the same download goes on"
    stage = "preparing" if folder.status.is_unpacked else "fetching"
    return f"{stage}; whether it goes on is not known now ({there.doubt})" if there.doubt else stage
