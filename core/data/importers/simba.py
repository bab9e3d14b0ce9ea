"""SimBA's tables: poses as ``Nose_1_x, Nose_1_y, Nose_1_p``, and labels as columns of 0 and 1.

A project has them in ``csv/``; ``targets_inserted`` also holds labels and features, of which only the labels
are read. ``project_config.ini`` names the behaviours, ``logs/video_info.csv`` the frame rates and scales
(SimBA's documentation, "Scenario 1" and "Multi-animal pose").
"""

import configparser
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from core.data.importers.boris import NOBODY
from core.data.importers.columns import ALONE, NamedColumn, PointColumns, arrange, tracks_of
from core.data.importers.numeric_csv import NumericCsv
from core.data.importers.recording import LabelEvent, Recording, Sheet, Tracks, require_frames
from core.data.importers.runs import runs_of
from core.data.importers.source import Source, text_form
from core.data.importers.textual import number
from core.errors import DataError

CONFIG = "project_config.ini"
POSE_FOLDERS = (
    "targets_inserted",
    "outlier_corrected_movement_location",
    "outlier_corrected_movement",
    "input_csv",
)
"""Folders of a project, the most complete first: a video is read from the first that has it."""
ENDS = ("_x", "_y", "_p")
IMPORTED = "imported_pose"


class VideoInfo(NamedTuple):
    """A video's row of ``video_info.csv``."""

    frames_per_second: float | None
    size: tuple[int, int] | None
    pixels_per_cm: float | None


def project_files(folder: Path) -> list[Path] | None:
    """Return the tables of a project, one for each video; ``None`` if the folder is no project."""
    root = next(
        (each for each in (folder, folder / "project_folder") if (each / CONFIG).is_file()), None
    )
    if root is None:
        return None
    found: dict[str, Path] = {}
    for name in POSE_FOLDERS:
        for path in sorted((root / "csv" / name).glob("*.csv")):
            found.setdefault(path.stem, path)
    if not found:
        raise DataError(f"{root / 'csv'}: a SimBA project without tables of poses as CSV")
    return [found[name] for name in sorted(found)]


def is_simba(source: Source) -> bool:
    """Return whether the header has coordinates as SimBA names them."""
    return _header(source) is not None


def read_simba(source: Source) -> list[Recording]:
    """Read the names of the columns; the tracks are read when they are asked for.

    Raises:
        DataError: a point lacks a coordinate.
    """
    path = source.path
    names, lines = _needed_header(source)
    found, places = _points(names, path)
    table = NumericCsv(path, text_form(source), lines, len(names))
    info = _video_info(path)

    def load() -> Tracks:
        values = table.read([places[place] for place in found.used], first=())
        first = values.column(places[found.used[0]])
        frames = np.arange(len(first), dtype=np.float64)
        return require_frames(
            tracks_of(frames, lambda place: values.column(places[place]), found, path), path
        )

    return [
        Recording(
            name=path.stem,
            path=path,
            format="SimBA CSV",
            individuals=found.individuals,
            parts=found.parts,
            load=load,
            frames_per_second=info.frames_per_second,
            size=info.size,
            pixels_per_cm=info.pixels_per_cm,
            notes=found.notes,
        )
    ]


def read_simba_labels(source: Source) -> list[Sheet]:
    """Read the columns of behaviours, if the table has any.

    They are those that the project's settings name; without settings, those below ``_x``, ``_y`` and ``_p``
    that hold nothing but 0 and 1.

    Raises:
        DataError: a behaviour's cell is neither 0 nor 1, or the project names one that is not there.
    """
    path = source.path
    names, lines = _needed_header(source)
    others = [place for place, name in enumerate(names) if name and not name.lower().endswith(ENDS)]
    targets = _targets(path) if path.parent.name == POSE_FOLDERS[0] else None
    if targets is not None:
        if absent := [name for name in targets if name not in names]:
            raise DataError(
                f"{path}: no column {absent[0]!r}, a behaviour of the project’s settings"
            )
        others = [names.index(name) for name in targets]
    if not others:
        return []
    values = NumericCsv(path, text_form(source), lines, len(names)).read(others, first=())
    events: list[LabelEvent] = []
    behaviours = []
    for place in others:
        column = values.column(place)
        if not np.isin(column, (0, 1)).all():
            if targets is None:
                continue
            row = int(np.flatnonzero(~np.isin(column, (0, 1)))[0])
            raise DataError(
                f"{path}: column {names[place]!r} is {column[row]:g} in row {row}, not 0 or 1"
            )
        behaviours.append(names[place])
        events += [
            LabelEvent(NOBODY, names[place], "", start, stop, f"row {start}")
            for start, stop in runs_of(column == 1)
        ]
    if not behaviours:
        return []
    note = f"columns of 0 and 1 are taken for behaviours: {', '.join(behaviours)}"
    return [
        Sheet(
            name=path.stem,
            path=path,
            format="SimBA targets",
            unit="frames",
            events=tuple(events),
            behaviours=tuple(behaviours),
            notes=() if targets is not None else (note,),
        )
    ]


def _header(source: Source) -> tuple[list[str], int] | None:
    """Return the names of the columns and the lines above the numbers."""
    rows = source.rows
    at = 2 if rows and IMPORTED in [cell.lower() for cell in rows[0]] and len(rows) > 2 else 0
    if at >= len(rows):
        return None
    names = list(rows[at])
    bare = {name.lower() for name in names}
    complete = [name for name in bare if name.endswith("_x") and f"{name[:-2]}_y" in bare]
    return (names, at + 1) if complete else None


def _needed_header(source: Source) -> tuple[list[str], int]:
    found = _header(source)
    assert found is not None
    return found


def _points(names: Sequence[str], path: Path) -> tuple[PointColumns, list[int]]:
    """Return the arrangement of the columns of coordinates, and the place of each in the table."""
    bare = {name.lower() for name in names}
    # features may end in _x, too, but only points have both
    stems = {name[:-2] for name in bare if name.endswith("_x") and f"{name[:-2]}_y" in bare}
    places = [
        place
        for place, name in enumerate(names)
        if name.lower().endswith(ENDS) and name[:-2].lower() in stems
    ]
    columns = [NamedColumn(ALONE, names[place][:-2], names[place][-1].lower()) for place in places]
    return arrange(columns, path), places


def _root(path: Path) -> Path | None:
    """Return the project that a table belongs to: it is in ``csv/FOLDER/``."""
    root = path.resolve().parents[2] if len(path.resolve().parents) > 2 else None
    return root if root is not None and (root / CONFIG).is_file() else None


def _targets(path: Path) -> list[str] | None:
    root = _root(path)
    if root is None:
        return None
    settings = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        settings.read(root / CONFIG, encoding="utf-8")
        section = settings["SML settings"]
    except (configparser.Error, KeyError, UnicodeError):
        return None
    names = (
        section.get(f"target_name_{n}", "") for n in range(1, section.getint("no_targets", 0) + 1)
    )
    return [name.strip() for name in names if name.strip()] or None


def _video_info(path: Path) -> VideoInfo:
    root = _root(path)
    table = None if root is None else root / "logs" / "video_info.csv"
    if table is None or not table.is_file():
        return VideoInfo(None, None, None)
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("Video") == path.stem]
    if not rows:
        return VideoInfo(None, None, None)
    width, height = (number(rows[0].get(f"Resolution_{s}") or "") for s in ("width", "height"))
    scale = number(rows[0].get("pixels/mm") or "")
    return VideoInfo(
        frames_per_second=number(rows[0].get("fps") or "") or None,
        size=(int(width), int(height)) if width and height else None,
        pixels_per_cm=scale * 10 if scale else None,
    )
