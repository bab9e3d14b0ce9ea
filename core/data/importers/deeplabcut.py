"""DeepLabCut's CSV of one or several animals; LightningPose and the input of SimBA have the same header.

Rows ``scorer``, ``individuals`` (if there are several), ``bodyparts`` and ``coords``, then one row a frame
whose first cell is the frame's number.
"""

from pathlib import Path

from core.data.importers.columns import ALONE, NamedColumn, arrange, tracks_of
from core.data.importers.numeric_csv import NumericCsv
from core.data.importers.recording import Recording, Tracks, require_frames
from core.data.importers.source import Source, text_form
from core.errors import DataError

HEADER = ("scorer", "individuals", "bodyparts", "coords")
LIGHTNING_SCORER = "heatmap_tracker"


def is_deeplabcut(source: Source) -> bool:
    """Return whether the first lines are such a header, or what is left of one."""
    firsts = [row[0].lower() for row in source.rows[:4] if row]
    return "bodyparts" in firsts or "coords" in firsts


def read_deeplabcut(source: Source) -> list[Recording]:
    """Read the header; the tracks are read when they are asked for.

    Raises:
        DataError: a row of the header is missing or is in another place, or the rows are no frames.
    """
    path = source.path
    header, lines = _header(source)
    width = len(header["coords"])
    for name, cells in header.items():
        if len(cells) != width:
            raise DataError(
                f"{path}: row {name!r} has {len(cells)} cells and 'coords' {width}; export it again"
            )
    alone = (ALONE,) * width
    columns = [
        NamedColumn(*each)
        for each in zip(
            header.get("individuals", alone), header["bodyparts"], header["coords"], strict=True
        )
    ]
    found = arrange(columns, path)
    table = NumericCsv(path, text_form(source), lines, width + 1)
    is_lightning = header.get("scorer", ("",))[0] == LIGHTNING_SCORER

    def load() -> Tracks:
        values = table.read((0, *(place + 1 for place in found.used)))
        return require_frames(
            tracks_of(values.frame(0), lambda place: values.column(place + 1), found, path), path
        )

    return [
        Recording(
            name=recording_name(path),
            path=path,
            format="LightningPose CSV" if is_lightning else "DeepLabCut CSV",
            individuals=found.individuals,
            parts=found.parts,
            load=load,
            notes=found.notes,
        )
    ]


def recording_name(path: Path) -> str:
    """Return the name of the video, without what DeepLabCut appends: ``DLC_resnet50_…``, ``_filtered``."""
    stem = path.stem
    for mark in ("DLC_", "DeepCut_"):
        before, _, _ = stem.partition(mark)
        stem = before or stem
    return stem.removesuffix("_filtered") or path.stem


def _header(source: Source) -> tuple[dict[str, list[str]], int]:
    """Return the cells of each row of the header beyond the first, and the number of its lines."""
    header: dict[str, list[str]] = {}
    lines = 0
    for row in source.rows:
        name = row[0].lower() if row else ""
        if name not in HEADER:
            break
        header[name] = list(row[1:])
        lines += 1
    for name in ("bodyparts", "coords"):
        if name not in header:
            raise DataError(
                f"{source.path}: the header has no row {name!r}, so columns have no names; its rows are"
                f" {', '.join(header) or 'none of DeepLabCut’s'}"
            )
    body = next((row for row in source.rows[lines:] if any(row)), None)
    if body and "labeled-data" in body[0]:
        raise DataError(
            f"{source.path}: images labelled for training, not the tracks of a video; import the file that"
            " analyze_videos wrote"
        )
    return header, lines
