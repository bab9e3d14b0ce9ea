"""``mabe data synth | import | check | prepare | show``: make, check, prepare and show training data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from core.errors import ConfigError, DataError
from core.tasks.behaviour.settings import BehaviourExperiment, behaviour_of
from core.tasks.pairs.settings import PairsExperiment
from mabe_tui.cli.data import data_remote
from mabe_tui.cli.data.data_report import report_lines
from mabe_tui.cli.data.layout import layout_of
from mabe_tui.cli.data.pairs_command import pairs
from mabe_tui.cli.data.pairs_report import check_pair_files, pairs_lines
from mabe_tui.cli.data.pose_import import import_poses
from mabe_tui.cli.data.synth_command import Workers, synth
from mabe_tui.cli.options import DEFAULT_VERSION, DataFolder, SetOption, SkipBadOption
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.output import (
    JsonOption,
    if_interrupted,
    print_json,
    print_table,
    progress,
    say,
    wrapped,
)
from mabe_tui.runs.format.units import duration

if TYPE_CHECKING:
    from core.data.competition import Video
    from core.data.labels import ActionMap

VersionOption = Annotated[
    str, typer.Option("--version", metavar="V", help="The version whose settings apply.")
]


def register(app: typer.Typer) -> None:
    """Add ``mabe data`` to the command line."""
    data = typer.Typer(
        help="Make, check and prepare data.", no_args_is_help=True, rich_markup_mode=None
    )
    data.command("synth", short_help="Make a synthetic data set.")(synth)
    data.command("import", short_help="Import poses and labels of other tools.")(import_poses)
    data.command("pairs", short_help="Make pairs of handwritten digits.")(pairs)
    data.command("check", short_help="Look for what is wrong in a data folder.")(check)
    data.command("prepare", short_help="Turn a data folder into arrays, once.")(prepare)
    data.command("show", short_help="Show a folder by lab, or a video's bouts.")(show)
    data_remote.register(data)
    app.add_typer(data, name="data")


def check(
    context: typer.Context,
    folder: DataFolder,
    version: VersionOption = DEFAULT_VERSION,
    overrides: SetOption = None,
    every_place: Annotated[
        bool, typer.Option("--all", help="Name every place, not only the first few.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Report everything wrong or odd in a data folder; exit code 1 if training would stop."""
    from core.data.check import check as check_folder

    experiment = session_of(context).registry.experiment(version, overrides or ())
    if isinstance(experiment, PairsExperiment):
        _check_pairs(folder, experiment, as_json)
        return
    if (folder / "train.npz").is_file() and not (folder / "train.csv").is_file():
        raise ConfigError(
            f"{folder}: has train.npz, pairs of images, and {version} is of the task"
            f" {experiment.task!r}; check it with --version stage1"
        )
    keypoints, mice = layout_of(experiment, "`mabe data check`")
    action_map = _action_map(experiment) if isinstance(experiment, BehaviourExperiment) else None
    with progress("checking") as tell:
        report = check_folder(folder, action_map, keypoints, mice, tell, every_place)
    if as_json:
        print_json(report)
    elif (first := next(iter(report.problems), None)) and first.code == "unreadable_table":
        raise DataError(first.places[0])
    else:
        print("\n".join(wrapped(line, "      ") for line in report_lines(report)))
    if report.stops_training:
        raise typer.Exit(1)


def _check_pairs(folder: Path, experiment: PairsExperiment, as_json: bool) -> None:
    found = check_pair_files(folder, experiment)
    if as_json:
        print_json(found)
    else:
        print("\n".join(wrapped(line, "      ") for line in pairs_lines(found)))
    if found.stops_training:
        raise typer.Exit(1)


def _action_map(experiment: BehaviourExperiment) -> "ActionMap":
    from core.data.labels import ActionMap

    return ActionMap(experiment.actions, experiment.classes)


def prepare(
    context: typer.Context,
    folder: DataFolder,
    version: VersionOption = DEFAULT_VERSION,
    workers: Workers = None,
    skip_bad: SkipBadOption = False,
    as_json: JsonOption = False,
) -> None:
    """Convert a data folder to memory-mapped arrays, once; later runs reuse them."""
    import time

    from core.data.manifest import omissions
    from core.data.prepared import prepare as prepare_folder

    session = session_of(context)
    keypoints, mice = layout_of(session.registry.experiment(version), "`mabe data prepare`")
    began = time.monotonic()
    with if_interrupted(), progress("preparing") as tell:
        prepared = prepare_folder(folder, session.cache, keypoints, mice, workers, tell, skip_bad)
    frames = sum(video.frames for video in prepared.videos)
    for omission in omissions(prepared.manifest):
        say(f"warning: {omission.message}")
    if as_json:
        print_json({"folder": str(prepared.folder), "videos": len(prepared.videos), "frames": frames,
                    "fingerprint": prepared.fingerprint})  # fmt: skip
        return
    say(
        f"{prepared.folder}: {len(prepared.videos)} videos, {frames:,} frames, {mice} mice ×"
        f" {keypoints}, in {duration(time.monotonic() - began)}"
    )


class LabRow(msgspec.Struct, frozen=True):
    """One lab's data, as in ``mabe data show --json``."""

    lab: str
    videos: int
    labelled: int
    hours: float
    mice: str
    frames_per_second: str
    body_parts: int
    actions: tuple[str, ...]


def show(
    context: typer.Context,
    folder: DataFolder,
    video: Annotated[str | None, typer.Argument(help="A video id, to list its bouts.")] = None,
    table: Annotated[str, typer.Option(help="train or test.")] = "train",
    as_json: JsonOption = False,
) -> None:
    """Show the contents of a data folder, by lab, or the bouts of one video."""
    from core.data.competition import read_videos

    videos = read_videos(folder, table)
    if video is not None:
        _show_video(context, _chosen(videos, video, folder), as_json)
        return
    labs: dict[str, list[Video]] = {}
    for each in videos:
        labs.setdefault(each.lab_id, []).append(each)
    rows = [_lab_row(lab, members) for lab, members in sorted(labs.items())]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["lab", "videos", "labelled", "hours", "mice", "fps", "parts", "actions"],
        [
            [r.lab, r.videos, r.labelled, f"{r.hours:.1f}", r.mice, r.frames_per_second, r.body_parts,
             len(r.actions)]
            for r in rows
        ],
        right=[1, 2, 3, 6, 7],
    )  # fmt: skip


def _lab_row(lab: str, videos: "list[Video]") -> LabRow:
    return LabRow(
        lab=lab,
        videos=len(videos),
        labelled=sum(bool(video.behaviors) for video in videos),
        hours=sum(video.duration_seconds for video in videos) / 3600,
        mice=_range([len(video.mice) for video in videos]),
        frames_per_second=_range([video.frames_per_second for video in videos]),
        body_parts=max(len(video.body_parts) for video in videos),
        actions=tuple(
            sorted({behavior.action for video in videos for behavior in video.behaviors})
        ),
    )


def _range(values: "list[int] | list[float]") -> str:
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"


def _chosen(videos: "list[Video]", video_id: str, folder: Path) -> "Video":
    from core.config.strict import nearest

    found = next((video for video in videos if video.video_id == video_id), None)
    if found is None:
        close = nearest(video_id, [video.video_id for video in videos[:50]])
        raise ConfigError(f"{folder}: no video {video_id!r}{close}")
    return found


def _show_video(context: typer.Context, video: "Video", as_json: bool) -> None:
    from core.data.competition import read_bouts

    bouts = read_bouts(video)
    experiment = session_of(context).registry.experiment(DEFAULT_VERSION)
    action_map = _action_map(behaviour_of(experiment, "`mabe data show`"))
    columns = (bouts.agent, bouts.target, bouts.action, bouts.start, bouts.stop)
    rows = [
        {
            "agent": f"mouse{agent}",
            "target": "self" if agent == target else f"mouse{target}",
            "action": str(action),
            "class": action_map.classes[action_map.index_of(str(action))],
            "start_frame": int(start),
            "stop_frame": int(stop),
            "seconds": round((int(stop) - int(start)) / video.frames_per_second, 2),
        }
        for agent, target, action, start, stop in zip(*columns, strict=True)
    ]
    if as_json:
        print_json(rows)
        return
    say(f"{video.lab_id} {video.video_id}: {len(rows)} bouts, {video.frames_per_second:g} fps")
    headers = ["agent", "target", "action", "class", "start", "stop", "seconds"]
    print_table(headers, [[*row.values()] for row in rows], right=[4, 5, 6])
