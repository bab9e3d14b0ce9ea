"""``mabe bouts``: what a paper reports of bouts, and bouts in other tools' formats."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from core.errors import DataError, MisuseError, UserError
from mabe_tui.cli.options import (
    CheckpointOption,
    DeviceOption,
    ForceOption,
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
    from core.data.bouts.statistics import BehaviourSummary, Groups, GroupSummary, TimeBin
    from core.data.bouts.table import BoutTable
    from mabe_tui.plotting.bout_lanes import Lane

Shown = Literal["behaviours", "transitions", "bins", "groups"]
Exported = Literal["boris", "csv", "simba", "nwb"]
MOST_LANES = 400


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("bouts")(bouts)


def bouts(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="RUN|FILE|DIR",
            help="A run that predicts --data; a file of bouts or a submission; a labelled data folder.",
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option("--data", help="The data folder of the videos; a run predicts them."),
    ] = None,
    by: Annotated[
        Path | None,
        typer.Option(
            "--by", metavar="FILE.csv", help="A table of animals: video, animal, group, …"
        ),
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="The column to group by; default: the first that can be.")
    ] = None,
    bin_seconds: Annotated[
        float | None,
        typer.Option(
            "--bin", metavar="SECONDS", help="Sum up parts of videos.", min=0.01, callback=finite
        ),
    ] = None,
    show: Annotated[
        Shown | None, typer.Option(help="The table to print; default: groups with --by.")
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(help="Frames per second of a file without --data.", min=0.1, callback=finite),
    ] = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Write an ethogram as SVG.")
    ] = None,
    export: Annotated[
        Exported | None,
        typer.Option("--to", help="Write the bouts for another tool, to -o."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="A file for boris and csv, a folder for simba and nwb."
        ),
    ] = None,
    which: CheckpointOption = "best",
    device: DeviceOption = "auto",
    force: ForceOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Report each behaviour of each video: count, total and median duration, latency, and share of time.

    Also transitions, parts of videos (--bin), groups of animals (--by), and an ethogram (--svg).
    """
    from core.data.bouts import statistics

    if (export is None) != (output is None):
        raise MisuseError("--to and -o belong together: a format, and where to write it")
    if as_json and as_csv:
        raise MisuseError("--json and --csv: choose one")
    view = show or ("groups" if by else "bins" if bin_seconds else "behaviours")
    if (view == "groups" and by is None) or (view == "bins" and bin_seconds is None):
        raise MisuseError(f"--show {view} needs {'--by' if view == 'groups' else '--bin'}")
    require_targets(force, svg, None if output is None or output.is_dir() else output)
    groups = None if by is None else statistics.read_groups(by, column)
    table = _table(context, source, data, fps, which, device)
    if groups is not None and (absent := [v for v in groups.group if v not in table.lengths]):
        more = f" and {len(absent) - 4} more" if len(absent) > 4 else ""
        say(f"warning: {by}: no such video: {', '.join(absent[:4])}{more}")
    found = statistics.summaries(table)
    of_groups = [] if groups is None else statistics.group_summaries(found, groups)
    bins = [] if bin_seconds is None else statistics.time_bins(table, bin_seconds)
    if svg is not None:
        _draw(table, groups, source, svg)
    if export is not None and output is not None:
        _export(table, export, output, force)
    if as_json:
        print_json(
            {
                "behaviours": found,
                "transitions": statistics.transitions(table),
                "bins": bins,
                "groups": of_groups,
            }
        )
        return
    headers, rows = _rows(view, table, found, bins, of_groups)
    if as_csv:
        print_csv(headers, rows)
    elif svg is None and export is None:
        numbers = [at for at, name in enumerate(headers) if name.startswith(NUMBERS)]
        print_table(headers, rows, right=numbers)


NUMBERS = (
    "count",
    "total",
    "share",
    "median",
    "longest",
    "latency",
    "start",
    "animals",
    "mean",
    "sd",
)
"""Beginnings of the names of columns that hold numbers."""


def _table(
    context: typer.Context,
    source: str,
    data: Path | None,
    fps: float | None,
    which: str,
    device: Literal["auto", "cpu", "cuda"],
) -> "BoutTable":
    """Read bouts of a folder or file, or let a run find them."""
    from core.data.bouts.table import annotated_bouts, read_bout_file, read_lengths

    path = Path(source)
    if path.is_dir():
        return annotated_bouts(path)
    lengths = None if data is None else read_lengths(data)
    if path.is_file() or path.suffix in (".csv", ".parquet"):
        return read_bout_file(path, lengths, fps)
    store = RunStore(session_of(context).home)
    entry = store.find(source)
    if data is None:
        raise MisuseError(
            f"{source}: a run needs videos to find bouts in; name their folder with --data"
        )
    from core.inference.predictor import load_members, predictor_of
    from core.tasks.predictor import PredictionOptions

    predictor = predictor_of(load_members(entry.run, pointer_name(which)), device)
    with tempfile.TemporaryDirectory() as folder, progress("predicting") as tell:
        written = Path(folder) / "found.csv"
        predictor.write(data, written, PredictionOptions(), tell)
        *_, last = predictor.targets(written)
        return read_bout_file(last, lengths)


def _rows(
    view: Shown,
    table: "BoutTable",
    found: "Sequence[BehaviourSummary]",
    bins: "Sequence[TimeBin]",
    groups: "Sequence[GroupSummary]",
) -> tuple[list[str], list[list[object]]]:
    import msgspec

    from core.data.bouts.statistics import transitions

    chosen: dict[Shown, Sequence[msgspec.Struct]] = {
        "behaviours": found,
        "transitions": transitions(table),
        "bins": bins,
        "groups": groups,
    }
    structs = chosen[view]
    if not structs:
        raise DataError(f"no {view}: there are no bouts")
    rows = [list(msgspec.structs.astuple(each)) for each in structs]
    headers = list(type(structs[0]).__struct_fields__)
    # who and whom, where anybody is named
    empty = [
        at
        for at, name in enumerate(headers)
        if name in ("agent", "target") and not any(r[at] for r in rows)
    ]
    kept = [at for at in range(len(headers)) if at not in empty]
    return [headers[at] for at in kept], [[row[at] for at in kept] for row in rows]


def _draw(table: "BoutTable", groups: "Groups | None", source: str, svg: Path) -> None:
    from core.system.files import write_bytes_atomically
    from mabe_tui.plotting.bout_lanes import LaneGroup, svg_lanes

    kinds = sorted({row.what for row in table.rows})
    videos = list(table.lengths)
    if groups is not None:
        videos.sort(key=lambda video: (groups.group.get(video, ""), video))
    fit = max(1, MOST_LANES // max(len(kinds), 1))
    if len(videos) > fit:
        say(f"{svg}: the first {fit} of {len(videos)} videos, as more would not be legible")
    drawn = []
    for video in videos[:fit]:
        group = "" if groups is None else f"  ({groups.column}: {groups.group.get(video, '?')})"
        lanes = list(_lanes(table, video, kinds))
        drawn.append(LaneGroup(f"{video}{group}", table.lengths[video].seconds, lanes))
    write_bytes_atomically(svg, svg_lanes(f"Bouts of {Path(source).name}", drawn).encode())
    say(f"wrote {svg}")


def _lanes(
    table: "BoutTable", video: str, kinds: "Sequence[tuple[str, str, str]]"
) -> "Iterator[Lane]":
    from mabe_tui.plotting.bout_lanes import Lane

    rate, rows = table.lengths[video].frames_per_second, table.of(video)
    for agent, target, action in kinds:
        own = [row for row in rows if row.what == (agent, target, action)]
        whom = f" → {target}" if target not in ("", "self") else ""
        name = f"{action} ({agent}{whom})" if agent else action
        yield Lane(name, [(row.start / rate, row.stop / rate) for row in own])


def _export(table: "BoutTable", export: Exported, output: Path, force: bool) -> None:
    from core.data.bouts.exporters import EXPORTERS

    write, is_folder = EXPORTERS[export]
    if is_folder != (output.suffix == "") and not output.is_dir():
        kind = "a folder" if is_folder else "a file, such as bouts.csv"
        raise UserError(f"{output}: --to {export} writes {kind}")
    if is_folder:
        suffix = "csv" if export == "simba" else "nwb"
        require_targets(force, *(output / f"{video}.{suffix}" for video in table.lengths))
    written = write(table, output)
    say(f"wrote {written[0]}" + (f" and {len(written) - 1} more" if len(written) > 1 else ""))
