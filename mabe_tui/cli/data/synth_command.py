"""``mabe data synth``: make synthetic data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from core.config.section import LARGEST_SEED
from core.data.keypoints import KEYPOINT_SET_SIZES
from core.errors import MisuseError
from mabe_tui.cli.options import finite
from mabe_tui.cli.terminal.output import JsonOption, if_interrupted, print_json, progress, say

if TYPE_CHECKING:
    from core.data.synthetic import ClassShares

COPIED = ("frames", "mice", "keypoints", "fps", "shares", "missing", "noise")
"""Options of `mabe data synth` whose values `--like` takes from the real set."""
Workers = Annotated[
    int | None, typer.Option(help="Number of processes; default: one per core.", min=1)
]


def synth(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The folder to write to, new or empty.")],
    videos: Annotated[
        int | None, typer.Option(help="Number of videos; with --like, default: all.", min=1)
    ] = None,
    frames: Annotated[int, typer.Option(help="Frames per video.", min=2)] = 3000,
    mice: Annotated[int, typer.Option(help="Mice per video.", min=2, max=4)] = 2,
    keypoints: Annotated[
        str, typer.Option(help="mars7, mabe18, or body parts separated by commas.")
    ] = "mars7",
    fps: Annotated[float, typer.Option(help="Frames per second.", min=1, callback=finite)] = 30.0,
    shares: Annotated[
        str | None,
        typer.Option(
            help="Class shares, such as social=0.1,mating=0.05,aggressive=0.05; or `real`."
        ),
    ] = None,
    missing: Annotated[
        float, typer.Option(help="Share of points that are not tracked.", callback=finite)
    ] = 0.02,
    noise: Annotated[float, typer.Option(help="Tracking noise in pixels.", callback=finite)] = 1.2,
    seed: Annotated[
        int,
        typer.Option(
            help="Random seed; the same seed gives the same data.", min=0, max=LARGEST_SEED
        ),
    ] = 42,
    like: Annotated[
        Path | None,
        typer.Option(
            metavar="TRAIN_CSV", help="Copy videos, labs, body parts and bouts from a real set."
        ),
    ] = None,
    workers: Workers = None,
    as_json: JsonOption = False,
) -> None:
    """Make a synthetic data set: simulated mice that walk, sniff, mount, chase and attack."""
    from core.data import synthetic

    if like is not None:
        _refuse_what_is_copied(context)
    with if_interrupted(), progress("simulating") as tell:
        if like is not None:
            annotations = like.parent / "train_annotation"
            summary = synthetic.like(
                like, annotations, folder, videos=videos, seed=seed, workers=workers, progress=tell
            )
        else:
            settings = synthetic.SyntheticSettings(
                videos=videos or 20,
                frames=frames,
                mice=mice,
                keypoints=_body_parts(keypoints),
                fps=fps,
                shares=_class_shares(shares),
                missing_points=missing,
                noise_pixels=noise,
                seed=seed,
            )
            summary = synthetic.synthesise(folder, settings, workers=workers, progress=tell)
    if as_json:
        print_json(summary)
        return
    shown = ", ".join(f"{name} {share:.1%}" for name, share in summary.class_shares.items())
    say(
        f"{folder}: {summary.videos} videos, {summary.frames:,} frames, {summary.bouts:,} bouts; {shown}"
    )


def _refuse_what_is_copied(context: typer.Context) -> None:
    for name in COPIED:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise MisuseError(
                f"--{name} and --like: what is copied has its own; leave --{name} out"
            )


def _body_parts(text: str) -> str | tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    return text if text in KEYPOINT_SET_SIZES else parts


def _class_shares(text: str | None) -> "ClassShares":
    from core.data.synthetic import REAL_SHARES, ClassShares

    if text is None:
        return ClassShares()
    if text == "real":
        return REAL_SHARES
    try:
        pairs = dict(part.split("=", 1) for part in text.split(","))
        shares = {name.strip(): float(share) for name, share in pairs.items()}
        return msgspec.convert(shares, ClassShares)
    except (ValueError, msgspec.ValidationError) as error:
        raise MisuseError(
            f"--shares {text}: write social=0.1,mating=0.05,aggressive=0.05, or `real`;"
            f" each from 0 to below 1{_which_share(str(error))}"
        ) from None


def _which_share(problem: str) -> str:
    """Return the share named in a msgspec error, such as ``… - at `$.social```."""
    _, found, path = problem.partition("`$.")
    return f" (look at {path.rstrip('`')})" if found else ""
