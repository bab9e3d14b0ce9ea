"""``mabe video RUN [VIDEO]``: list a run's validation videos by error, or draw one frame."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer

from core.errors import ConfigError, MisuseError
from mabe_tui.cli.listing.status import find_run
from mabe_tui.cli.options import CheckpointOption, DeviceOption, RunName
from mabe_tui.cli.terminal.fit import Column, fitted, say_left_out
from mabe_tui.cli.terminal.output import (
    JsonOption,
    print_csv,
    print_json,
    print_table,
    progress,
    say,
)
from mabe_tui.cli.terminal.picture import plain_only, print_rows
from mabe_tui.runs.tasks import require_view

if TYPE_CHECKING:  # numpy and pyarrow, which `mabe video --help` does not need
    from mabe_tui.plotting.grid import Row
    from mabe_tui.runs.store import RunEntry
    from mabe_tui.runs.videos.video import VideoScore
    from mabe_tui.runs.videos.video_prediction import FrameFacts, PredictedVideo

WORST = "worst"
TRAIL_SECONDS = 1.0
LEAST_ROWS = 6
"""Minimum height of the picture, however low the terminal is."""
Follow = Literal["arena", "mice"]


class VideoBout(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of frames of one class."""

    behaviour: str
    start_frame: int
    stop_frame: int
    """The frame after the last."""


class VideoReport(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON of ``mabe video RUN VIDEO --json``."""

    run: str
    video_id: str
    checkpoint: str
    epoch: int
    frames: int
    frames_per_second: float
    errors: int
    """Metrics of this checkpoint over the whole video."""
    frame: "FrameFacts"
    truth: list[VideoBout]
    prediction: list[VideoBout]
    error_starts: list[int]
    """First frame of each stretch of wrong frames."""
    remark: str | None


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("video")(video)


def video(
    context: typer.Context,
    run: RunName = "last",
    name: Annotated[
        str | None,
        typer.Argument(metavar="VIDEO", help="A video id, or worst; without one, list them."),
    ] = None,
    frame: Annotated[
        int | None, typer.Option(min=0, help="The frame to draw; default: the first wrong one.")
    ] = None,
    zoom: Annotated[
        int | None, typer.Option(min=2, help="Number of frames in the strips; default: all.")
    ] = None,
    view: Annotated[
        Follow, typer.Option(help="The whole arena, or a close-up of the mice.")
    ] = "arena",
    which: CheckpointOption = "best",
    data: Annotated[Path | None, typer.Option(help="The data folder, if it has moved.")] = None,
    device: DeviceOption = "auto",
    ascii_only: Annotated[bool, typer.Option("--ascii", help="Use plain characters only.")] = False,
    as_json: JsonOption = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print as CSV, one row per video or frame.")
    ] = False,
) -> None:
    """List the validation videos of a run, worst first, or draw one frame of one.

    Below the mice, strips show truth, prediction and probabilities over the video.
    """  # fmt: skip
    if as_json and as_csv:
        raise MisuseError("--json and --csv: choose one")
    entry = find_run(context, run)
    require_view("video", entry.require_request().experiment)
    if name is None:
        _print_scores(entry, as_json, as_csv)
        return
    watched = _watched(entry, name, which, data, device)
    if as_csv:
        _print_frames(watched)
        return
    at = _frame(watched, frame)
    if as_json:
        print_json(_report(entry, watched, which, at))
        return
    _draw(watched, at, zoom, view, ascii_only or plain_only())


# ── the list ──────────────────────────────────────────────────────────────────────────────────


def _print_scores(entry: "RunEntry", as_json: bool, as_csv: bool) -> None:
    from mabe_tui.runs.videos.video import validation_scores

    scores = validation_scores(entry.run)
    if as_json:
        print_json(scores)
        return
    columns = _columns(scores)
    if as_csv:
        print_csv([name for name, _ in columns], zip(*(c for _, c in columns), strict=True))
        return
    say(f"{entry.id}: validation videos, the worst first; `mabe video {entry.id} VIDEO` draws one")
    whole = [(_short(name), [_figure(cell) for cell in cells]) for name, cells in columns]
    shown = fitted([*whole[1:], whole[0]], [name for name, _ in whole[:3:-1]])
    shown = [shown[-1], *shown[:-1]]
    rows = list(zip(*(cells for _, cells in shown), strict=True))
    print_table([name for name, _ in shown], rows, right=list(range(1, len(shown))))
    say_left_out(whole, [name for name, _ in shown])


def _columns(scores: "list[VideoScore]") -> list[Column]:
    classes = list(scores[0].f1) if scores else []
    of_class: list[Column] = [(f"f1/{name}", [s.f1[name] for s in scores]) for name in classes]
    return [
        ("video", [score.video_id for score in scores]),
        ("f1_macro_present", [score.f1_macro_present for score in scores]),
        ("frames", [score.frames for score in scores]),
        ("errors", [score.errors for score in scores]),
        *of_class,
    ]


def _short(name: str) -> str:
    """Return a column's header as on the dashboard; --csv and --json use its full name."""
    return {"f1_macro_present": "F1", "errors": "wrong"}.get(name, name.removeprefix("f1/"))


def _figure(value: object) -> object:
    return f"{value:.3f}" if isinstance(value, float) else value


# ── one video ─────────────────────────────────────────────────────────────────────────────────


def _watched(
    entry: "RunEntry",
    name: str,
    which: str,
    data: Path | None,
    device: Literal["auto", "cpu", "cuda"],
) -> "PredictedVideo":
    from mabe_tui.runs.videos.video import open_video, validation_scores
    from mabe_tui.runs.videos.video_prediction import predict_video

    video_id = validation_scores(entry.run)[0].video_id if name == WORST else name
    with progress("video") as tell:
        opened = open_video(entry, video_id, data, tell)
        watched = predict_video(entry, opened, which, device, tell)
    if opened.remark:
        say(f"warning: {opened.remark}")
    return watched


def _frame(watched: "PredictedVideo", stated: int | None) -> int:
    frames = watched.video.frames
    if stated is None:
        return watched.next_error(-1) or 0
    if stated >= frames:
        raise ConfigError(
            f"--frame {stated}: {watched.video.video_id} has the frames 0 to {frames - 1}"
        )
    return stated


def _report(entry: "RunEntry", watched: "PredictedVideo", which: str, frame: int) -> VideoReport:
    return VideoReport(
        run=entry.id,
        video_id=watched.video.video_id,
        checkpoint=which,
        epoch=watched.epoch,
        frames=watched.video.frames,
        frames_per_second=watched.video.frames_per_second,
        errors=int(watched.errors.sum()),
        frame=watched.facts(frame),
        truth=_bouts(watched, "truth"),
        prediction=_bouts(watched, "prediction"),
        error_starts=watched.error_starts.tolist(),
        remark=watched.video.remark,
    )


def _bouts(watched: "PredictedVideo", side: Literal["truth", "prediction"]) -> list[VideoBout]:
    bouts = watched.truth_bouts if side == "truth" else watched.predicted_bouts
    columns = (bouts.index.tolist(), bouts.start.tolist(), bouts.stop.tolist())
    return [
        VideoBout(behaviour=watched.video.classes[index], start_frame=start, stop_frame=stop)
        for index, start, stop in zip(*columns, strict=True)
    ]


def _print_frames(watched: "PredictedVideo") -> None:
    names = watched.video.classes
    truth, prediction = watched.video.truth.tolist(), watched.prediction.tolist()
    header = ["video_frame", "true_class", "predicted_class", *(f"p_{name}" for name in names)]
    rows = zip(truth, prediction, watched.probabilities.tolist(), strict=True)
    print_csv(
        header,
        (
            [number, names[true], names[said], *(f"{p:.4f}" for p in probabilities)]
            for number, (true, said, probabilities) in enumerate(rows)
        ),
    )


def _draw(
    watched: "PredictedVideo", frame: int, zoom: int | None, view: Follow, ascii_only: bool
) -> None:
    terminal = shutil.get_terminal_size((80, 24))
    strips = _strips(watched, frame, zoom, terminal.columns, ascii_only)
    print(_heading(watched, frame))
    rows = max(terminal.lines - len(strips) - 2, LEAST_ROWS)
    print_rows(_picture(watched, frame, view, terminal.columns, rows, ascii_only))
    print_rows(strips)


def _heading(watched: "PredictedVideo", frame: int) -> str:
    opened, errors = watched.video, int(watched.errors.sum())
    return (
        f"{opened.video_id}  frame {frame} of {opened.frames}, {frame / opened.frames_per_second:.1f} s"
        f"  {errors:,} wrong ({errors / opened.frames:.0%})  epoch {watched.epoch}"
    )


def _picture(
    watched: "PredictedVideo", frame: int, view: Follow, width: int, height: int, ascii_only: bool
) -> "tuple[Row, ...]":
    from mabe_tui.plotting.skeleton import (
        CELL_ASPECT,
        Skeleton,
        arena_view,
        centres,
        follow_view,
        render_skeletons,
    )

    opened = watched.video
    arena = arena_view(opened.sample, opened.about.width, opened.about.height)
    before = max(0, frame - round(TRAIL_SECONDS * opened.frames_per_second))
    points = opened.positions[frame, : opened.mice]
    return render_skeletons(
        points,
        Skeleton.of(opened.slots, opened.skeleton),
        width,
        height,
        arena if view == "arena" else follow_view(points, aspect=width / (CELL_ASPECT * height)),
        labels=[str(mouse) for mouse in opened.about.mouse_ids[: opened.mice]],
        trail=centres(opened.positions[before : frame + 1, : opened.mice]),
        arena=arena,
        ascii_only=ascii_only,
    )


def _strips(
    watched: "PredictedVideo", frame: int, zoom: int | None, width: int, ascii_only: bool
) -> "tuple[Row, ...]":
    from mabe_tui.plotting.ethogram import Ethogram, class_legend, render_probabilities

    opened = watched.video
    span = min(zoom or opened.frames, opened.frames)
    first = min(max(0, frame - span // 2), opened.frames - span)
    stop, names = first + span, opened.classes
    ethogram = Ethogram(opened.truth, watched.prediction, names)
    return (
        *ethogram.render(width, first=first, stop=stop, cursor=frame, ascii_only=ascii_only),
        *render_probabilities(
            watched.probabilities,
            names,
            width,
            first=first,
            stop=stop,
            cursor=frame,
            ascii_only=ascii_only,
        ),
        *class_legend(names, width),
    )
