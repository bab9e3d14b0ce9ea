"""``mabe slices``: stretches of video with a name and a comment, followed over all versions."""

from typing import TYPE_CHECKING, Annotated

import typer

from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.output import JsonOption, print_json, print_table, progress, say
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.videos.slices import Slices, Stretch, VideoSlice, require_video

if TYPE_CHECKING:  # numpy and pyarrow
    from mabe_tui.runs.comparison.slice_scores import SliceScore

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The slice's name.")]


def register(app: typer.Typer) -> None:
    """Add ``mabe slices`` to the command line."""
    group = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
    group.callback()(list_slices)
    group.command("add", short_help="Add frames of a video to a slice.")(add)
    group.command("rm", short_help="Remove a slice.")(remove)
    group.command("show", short_help="Measure every version on a slice.")(show)
    app.add_typer(group, name="slices")


def list_slices(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the slices: named stretches of video, followed over all versions.

    `mabe slices show NAME` measures every version on one. In the dashboard, `m` on a video keeps the bout
    under the cursor.
    """
    if context.invoked_subcommand is not None:
        return
    known = Slices(session_of(context).home).read()
    if as_json:
        print_json(known)
    elif not known:
        say("no slices yet; `mabe slices add NAME VIDEO START STOP` makes one")
    else:
        rows = [
            [name, len(one.stretches), one.frames, _videos(one), one.comment or None]
            for name, one in known.items()
        ]
        print_table(["slice", "stretches", "frames", "videos", "comment"], rows, right=[1, 2])


def add(
    context: typer.Context,
    name: NameArgument,
    video: Annotated[str, typer.Argument(metavar="VIDEO", help="A validation video.")],
    start: Annotated[int, typer.Argument(metavar="START", help="The first frame.", min=0)],
    stop: Annotated[int, typer.Argument(metavar="STOP", help="The frame after the last.", min=1)],
    comment: Annotated[
        str, typer.Option("--comment", "-m", help="What is special about these frames.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Add frames of a video to a slice, and make the slice if there is none of that name."""
    session = session_of(context)
    require_video(RunStore(session.home), video)
    stretch = Stretch(video=video, start=start, stop=stop)
    made = Slices(session.home).add(name, stretch, comment)
    if as_json:
        print_json(made)
        return
    say(f"{name}: {made.frames:,} frames; `mabe slices show {name}` measures every version on them")


def remove(context: typer.Context, name: NameArgument) -> None:
    """Remove a slice; videos and runs stay as they are."""
    Slices(session_of(context).home).remove(name)
    say(f"{name}: removed")


def show(context: typer.Context, name: NameArgument, as_json: JsonOption = False) -> None:
    """Show the score of every version on a slice, the mean over its seeds, and why some have none.

    Kept predictions are used where a run has them; else its best checkpoint is applied to the slice's videos
    again, which takes seconds for each the first time.
    """
    from mabe_tui.runs.comparison.slice_scores import describe_measure, slice_scores

    session = session_of(context)
    chosen = Slices(session.home).find(name)
    with progress("versions") as tell:
        scores = list(slice_scores(chosen, RunStore(session.home), session.registry, tell))
    if as_json:
        print_json({"name": name, "slice": chosen, "scores": scores})
        return
    say(f"{name}: {describe_measure(chosen)}" + (f": {chosen.comment}" if chosen.comment else ""))
    if not scores:
        say("no version has a run here")
        return
    rows = [
        [one.version, _score(one), _share(one), len(one.runs) or None, _how(one)] for one in scores
    ]
    metric = next((one.metric for one in scores if one.metric is not None), None) or "score"
    print_table(["version", metric, "wrong", "seeds", "measured by"], rows, right=[1, 2, 3])


def _videos(chosen: VideoSlice) -> str:
    first, *others = dict.fromkeys(stretch.video for stretch in chosen.stretches)
    return f"{first} and {len(others)} more" if others else first


def _score(score: "SliceScore") -> str | None:
    if score.score is None:
        return None
    std = f" ± {score.score_std:.4f}" if score.score_std is not None else ""
    return f"{score.score:.4f}{std}"


def _share(score: "SliceScore") -> str | None:
    return f"{score.wrong:.1%}" if score.wrong is not None else None


def _how(score: "SliceScore") -> str | None:
    return f"no: {score.problem}" if score.problem is not None else score.measured_by
