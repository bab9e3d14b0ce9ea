"""The formats that can be imported, and how each is recognised by its content."""

from collections.abc import Callable, Mapping, Sequence
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
    skipped: tuple[str, ...] = ()
    """Files of a folder that were not read, each with the reason."""


class UnknownFormatError(DataError):
    """A file that no format recognises."""


def format_of(source: Source) -> Format:
    """Return the format of a file.

    Raises:
        UnknownFormatError: no format recognises it.
    """
    for each in FORMATS:
        if each.kind == source.kind and each.matches(source):
            return each
    raise UnknownFormatError(
        f"{source.path}: neither poses nor labels of a known format{_looks_like(source)}; what can be"
        " imported: docs/poses.md"
    )


def _looks_like(source: Source) -> str:
    if source.kind != "text" or not source.rows:
        return " (it is neither text nor HDF5, or UTF-16 without a byte order mark)"
    first = next((row for row in source.rows if any(row)), ())
    return f" (its first line: {', '.join(first)[:80]!r})"


def look_at(paths: Sequence[Path]) -> SourceContent:
    """Recognise files, and read all labels and the headers of all poses.

    In a folder, a file that is not recognised is skipped, and so are the same poses in a second format.

    Raises:
        DataError: a file that is named is not recognised, or one cannot be read.
    """
    recordings: list[Recording] = []
    sheets: list[Sheet] = []
    skipped: list[str] = []
    read: dict[str, tuple[Format, Recording]] = {}
    for path, is_named in files_of(paths).items():
        source = open_source(path)
        found = _format_in_folder(source) if not is_named else format_of(source)
        if found is None:
            skipped.append(f"{path}: neither poses nor labels of a known format")
            continue
        if found.poses is not None:
            here = found.poses(source)
            if not is_named and (there := _twin(found, here, read)) is not None:
                skipped.append(f"{path}: the same poses as {there.name}, in another format")
                continue
            for each in here:
                read.setdefault(each.name, (found, each))
            if len(here) == 1:
                read.setdefault(path.stem, (found, here[0]))
            recordings += here
        if found.labels is not None:
            sheets += found.labels(source)
    return SourceContent(tuple(recordings), tuple(sheets), tuple(skipped))


def _twin(
    form: Format, recordings: Sequence[Recording], read: Mapping[str, tuple[Format, Recording]]
) -> Path | None:
    """Return the file that was read already and has the videos of these recordings in another format.

    Files of one name that differ in body parts or in the number of animals are different videos, of which
    the import then says that they have the same name.
    """
    path = None
    for each in recordings:
        form_before, before = read.get(each.name) or read.get(each.path.stem) or (form, each)
        if (
            form_before is form
            or len(before.individuals) != len(each.individuals)
            or {*map(str.lower, before.parts)} != {*map(str.lower, each.parts)}
        ):
            return None
        path = path or before.path
    return path


def _format_in_folder(source: Source) -> Format | None:
    try:
        return format_of(source)
    except UnknownFormatError:
        return None


def files_of(paths: Sequence[Path]) -> dict[Path, bool]:
    """Return the files to read, and whether each was named itself or is in a folder that was.

    Raises:
        DataError: a path does not exist, or a folder has no file that could be read.
    """
    found: dict[Path, bool] = {}
    for path in paths:
        if path.is_dir():
            project = simba.project_files(path)
            inside = project or [each for each in sorted(path.iterdir()) if _is_wanted(each)]
            if not inside:
                raise DataError(
                    f"{path}: no file of poses or labels is in this folder{_folders(path)}"
                )
            for each in inside:
                found.setdefault(each, False)
        elif path.is_file():
            found[path] = True
        else:
            raise DataError(f"{path}: no such file")
    return found


def _folders(path: Path) -> str:
    names = sorted(each.name for each in path.iterdir() if each.is_dir())
    if not names:
        return ""
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"; those in it are not looked into, so name them: {', '.join(names[:6])}{more}"


def _is_wanted(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


SUFFIXES = {".csv", ".tsv", ".txt", ".h5", ".hdf5", ".slp", ".nwb", ".json", ".npy", ".annot"}
"""Of the files that are read from a folder; a file named on the command line may have any."""
