"""The formats that can be imported, and how each is recognised by its content."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.importers import (
    bento,
    boris,
    calms21,
    deeplabcut,
    deeplabcut_hdf,
    nwb,
    plain,
    simba,
    sleap,
)
from core.data.importers.recording import Recording, Sheet
from core.data.importers.source import Kind, Source, open_source
from core.errors import DataError


@dataclass(frozen=True, slots=True)
class Format:
    """One format of files."""

    name: str
    kind: Kind
    matches: Callable[[Source], bool]
    poses: Callable[[Source], list[Recording]] | None = None
    labels: Callable[[Source], list[Sheet]] | None = None


CALMS21_KINDS: tuple[Kind, ...] = ("json", "numpy")
FORMATS: tuple[Format, ...] = (
    Format("SLEAP analysis", "hdf5", sleap.is_analysis, poses=sleap.read_analysis),
    Format("SLEAP project", "hdf5", sleap.is_project, poses=sleap.read_project),
    Format("NWB", "hdf5", nwb.is_nwb, poses=nwb.read_nwb),
    Format(
        "DeepLabCut HDF5",
        "hdf5",
        deeplabcut_hdf.is_deeplabcut_hdf,
        poses=deeplabcut_hdf.read_deeplabcut_hdf,
    ),
    Format(
        "SimBA",
        "text",
        simba.is_simba,
        poses=simba.read_simba,
        labels=simba.read_simba_labels,
    ),
    Format("DeepLabCut", "text", deeplabcut.is_deeplabcut, poses=deeplabcut.read_deeplabcut),
    Format("BORIS", "text", boris.is_boris, labels=boris.read_boris),
    Format("Bento", "text", bento.is_bento, labels=bento.read_bento),
    Format("table of bouts", "text", plain.is_bout_table, labels=plain.read_bout_table),
    Format("table of frames", "text", plain.is_frame_table, labels=plain.read_frame_table),
    *(
        Format(
            "CalMS21",
            kind,
            calms21.is_calms21,
            poses=calms21.read_calms21,
            labels=calms21.read_calms21_labels,
        )
        for kind in CALMS21_KINDS
    ),
)
"""In the order in which they are tried: the first that recognises a file reads it."""


@dataclass(frozen=True, slots=True)
class SourceContent:
    """What the files of one import hold."""

    recordings: tuple[Recording, ...]
    sheets: tuple[Sheet, ...]


def format_of(source: Source) -> Format:
    """Return the format of a file.

    Raises:
        DataError: no format recognises it.
    """
    for each in FORMATS:
        if each.kind == source.kind and each.matches(source):
            return each
    raise DataError(
        f"{source.path}: neither poses nor labels of a known format{_looks_like(source)}; what can be"
        " imported: docs/poses.md"
    )


def _looks_like(source: Source) -> str:
    if source.kind != "text" or not source.rows:
        return f" (its bytes are of the kind {source.kind!r})"
    first = next((row for row in source.rows if any(row)), ())
    return f" (its first line: {', '.join(first)[:80]!r})"


def look_at(paths: Sequence[Path]) -> SourceContent:
    """Recognise files, and read all labels and the headers of all poses.

    Raises:
        DataError: a file is not recognised or cannot be read.
    """
    recordings: list[Recording] = []
    sheets: list[Sheet] = []
    for path in files_of(paths):
        source = open_source(path)
        found = format_of(source)
        if found.poses is not None:
            recordings += found.poses(source)
        if found.labels is not None:
            sheets += found.labels(source)
    return SourceContent(tuple(recordings), tuple(sheets))


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Return the files to read: those named, and those directly in a folder that is named.

    Raises:
        DataError: a path does not exist, a folder is empty, or a file is named twice.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            project = simba.project_files(path)
            if project is not None:
                found.update(dict.fromkeys(project))
                continue
            inside = [each for each in sorted(path.iterdir()) if _is_wanted(each)]
            if not inside:
                raise DataError(f"{path}: no file of poses or labels is in this folder")
            found.update(dict.fromkeys(inside))
        elif path.is_file():
            found[path] = None
        else:
            raise DataError(f"{path}: no such file")
    return [*found]


def _is_wanted(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


SUFFIXES = {".csv", ".tsv", ".txt", ".h5", ".hdf5", ".slp", ".nwb", ".json", ".npy", ".annot"}
"""Of the files that are read from a folder; a file named on the command line may have any."""
