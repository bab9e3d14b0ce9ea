"""``mabe data import``: poses and labels of other tools into the competition's layout."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from core.errors import MisuseError
from mabe_tui.cli.options import ForceOption, finite, require_targets
from mabe_tui.cli.terminal.output import JsonOption, print_json, print_table, progress, say

if TYPE_CHECKING:
    from core.data.importers.conversion import Omissions
    from core.data.importers.importing import ImportedVideo, ImportReport

SENTENCES = {
    "points_unlikely": "points below the likelihood limit",
    "points_at_origin": "points at exactly (0, 0)",
    "points_far_off": "points nowhere near the picture",
    "body_parts": "points of body parts left out",
    "individuals": "points of individuals left out",
    "behaviours": "events of behaviours left out",
    "subjects": "events of subjects that the mapping does not name",
    "modifiers": "events with a modifier that the mapping does not name, kept without it",
    "point_events": "point events (labels.point_frames gives them a length)",
    "open_events": "events without a STOP",
    "outside": "events before or after the video",
    "cut": "events cut to the part inside the video",
    "brief": "events that start and stop within one frame",
    "merged": "events joined with an overlapping one of the same kind",
    "empty_frames_at_end": "frames at the end without a point",
}
"""What each count of an omission says."""


def import_poses(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="SOURCE", help="Files of poses and labels, or folders of them."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="DIR", help="The data folder to write to or add to."
        ),
    ] = None,
    mapping_file: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="FILE", help="What names and units mean, as --suggest wrote it."
        ),
    ] = None,
    suggest: Annotated[
        Path | None,
        typer.Option(
            "--suggest", metavar="FILE", help="Write a mapping to look over; import nothing."
        ),
    ] = None,
    lab: Annotated[
        str | None, typer.Option(help="Name of the lab, in place of the mapping's.")
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(help="Frames per second, where no file says it.", min=0.1, callback=finite),
    ] = None,
    repair_swaps: Annotated[
        bool,
        typer.Option(
            "--repair-swaps", help="Undo moments at which the tracker exchanged two mice."
        ),
    ] = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Import poses from DeepLabCut, SLEAP and others, with labels from BORIS and others (docs/poses.md).

    Formats are recognised by content. Labels find their video by name. Without --map, names are mapped as
    --suggest proposes, and every proposal is printed.
    """
    from core.data.importers.formats import look_at
    from core.data.importers.importing import import_videos
    from core.data.importers.mapping import Mapping, read_mapping
    from core.data.importers.suggestion import completed, write_suggestion

    if (output is None) == (suggest is None):
        raise MisuseError("name a data folder with -o, or a mapping to write with --suggest")
    given = Mapping() if mapping_file is None else read_mapping(mapping_file)
    if lab is not None:
        given = msgspec.convert({**msgspec.to_builtins(given), "lab": lab}, Mapping)
    if fps is not None:
        given = msgspec.structs.replace(given, fps=fps)
    found = look_at(sources)
    whole = completed(given, found)
    for unknown in whole.unknown:
        say(f"warning: mapping, {unknown}")
    if suggest is not None:
        require_targets(force, suggest)
        write_suggestion(suggest, found, whole.mapping)
        say(f"{suggest}: look it over, then import with --map {suggest}")
        return
    assert output is not None
    with progress("importing") as tell:
        report = import_videos(
            found, whole.mapping, output, force=force, repair=repair_swaps, progress=tell
        )
    if as_json:
        print_json(
            {**msgspec.to_builtins(report), "proposed": whole.proposed, "unknown": whole.unknown}
        )
        return
    for line in (*(f"proposed: {each}" for each in whole.proposed), *_notes(report)):
        say(line)
    _print(report)
    say(f"{output}: {len(report.videos)} imported; `mabe data check {output}` looks them over")


def _print(report: "ImportReport") -> None:
    print_table(
        ["video", "format", "frames", "fps", "mice", "parts", "points", "bouts"],
        [
            [v.id, v.format, v.frames, f"{v.frames_per_second:g}", len(v.mice), len(v.body_parts), v.points,
             v.bouts if v.labels else None]
            for v in report.videos
        ],
        right=[2, 3, 4, 5, 6, 7],
    )  # fmt: skip


def _notes(report: "ImportReport") -> Iterator[str]:
    yield from (f"skipped: {each}" for each in report.skipped)
    yield from (f"assumed: {note}" for note in report.notes)
    for name, events in report.unmatched_labels.items():
        yield f"warning: left out: {events} events of {name!r}, whose poses are not among the sources"
    for video in report.videos:
        yield from (f"{video.id}: {note}" for note in video.notes)
        yield from _omitted(video, video.omitted)
        yield from _swaps(video)


def _swaps(video: "ImportedVideo") -> Iterator[str]:
    if video.swaps:
        frames = ", ".join(map(str, video.swaps[:5])) + (" …" if len(video.swaps) > 5 else "")
        what = "undone" if video.swaps_repaired else "--repair-swaps undoes them"
        yield f"{video.id}: the tracker exchanged two mice {len(video.swaps)} times (frame {frames}); {what}"


def _omitted(video: "ImportedVideo", omissions: "Omissions") -> Iterator[str]:
    for field, sentence in SENTENCES.items():
        count = getattr(omissions, field)
        if not count:
            continue
        total = sum(count.values()) if isinstance(count, dict) else count
        names = ""
        if isinstance(count, dict):
            names = ": " + ", ".join(f"{name} ({number})" for name, number in count.items())
        yield f"{video.id}: left out or changed: {total:,} {sentence}{names}"
