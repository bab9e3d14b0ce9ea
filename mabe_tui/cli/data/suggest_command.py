"""``mabe suggest``: what to label next."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mabe_tui.cli.options import (
    CheckpointOption,
    DeviceOption,
    ForceOption,
    RunName,
    finite,
    require_targets,
)
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.output import (
    CsvOption,
    JsonOption,
    print_csv,
    print_json,
    print_table,
    progress,
    say,
)
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.summary.checkpoints import pointer_name

if TYPE_CHECKING:
    from core.inference.suggesting import Suggestions

LABEL = "to label"
"""Behaviour of the events that BORIS is given."""
HEADERS = ["rank", "video", "start_frame", "stop_frame", "start_s", "stop_s", "uncertainty"]


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("suggest")(suggest)


def suggest(
    context: typer.Context,
    run: RunName,
    data: Annotated[Path, typer.Option("--data", help="The folder of the videos to choose from.")],
    minutes: Annotated[
        float,
        typer.Option(help="How much to label in all.", min=0.01, max=100_000, callback=finite),
    ] = 10.0,
    seconds: Annotated[
        float, typer.Option(help="Length of a clip.", min=0.1, max=3600, callback=finite)
    ] = 10.0,
    labelled_too: Annotated[
        bool, typer.Option("--labelled-too", help="Also look at videos that have annotations.")
    ] = False,
    boris: Annotated[
        Path | None,
        typer.Option("--boris", metavar="FILE.csv", help="Write the clips as events for BORIS."),
    ] = None,
    which: CheckpointOption = "best",
    device: DeviceOption = "auto",
    force: ForceOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Suggest clips whose labels would teach most: where the run is unsure, and unlike each other."""
    from core.inference.predictor import load_predictor
    from core.inference.suggesting import suggest as choose

    require_targets(force, boris)
    entry = RunStore(session_of(context).home).find(run)
    predictor = load_predictor(entry.run, pointer_name(which), device)
    with progress("looking") as tell:
        found = choose(
            predictor,
            data,
            seconds=seconds,
            minutes=minutes,
            labelled_too=labelled_too,
            progress=tell,
        )
    if boris is not None:
        _write_boris(found, data, boris)
    if as_json:
        print_json(found)
        return
    rows = [[getattr(clip, name) for name in HEADERS] for clip in found.clips]
    if as_csv:
        print_csv(HEADERS, rows)
        return
    print_table(HEADERS, rows, right=[0, 2, 3, 4, 5, 6])
    total = sum(clip.stop_s - clip.start_s for clip in found.clips) / 60
    videos = ", ".join(f"{need.video} ({need.clips})" for need in found.videos[:5] if need.clips)
    say(f"{total:.1f} minutes in {len(found.clips)} clips; most in {videos}")


def _write_boris(found: "Suggestions", data: Path, path: Path) -> None:
    from core.data.bouts.exporters import write_boris
    from core.data.bouts.table import BoutRow, BoutTable, read_lengths

    lengths = read_lengths(data)
    rows = sorted(
        BoutRow(clip.video, "", "", LABEL, clip.start_frame, clip.stop_frame)
        for clip in found.clips
    )
    write_boris(BoutTable(tuple(rows), {row.video: lengths[row.video] for row in rows}), path)
    say(f"wrote {path}")
