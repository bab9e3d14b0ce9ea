"""DeepLabCut's HDF5: a table of pandas, in either of its two layouts, under any key.

The names of the columns are pickled in one of them, so that reading it with pandas would run whatever a
crafted file asks for. Here only plain values are decoded.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.importers.columns import ALONE, NamedColumn, arrange, tracks_of
from core.data.importers.deeplabcut import recording_name
from core.data.importers.hdf5 import Group, hdf5, text, texts
from core.data.importers.recording import Floats, Recording, Tracks, require_frames
from core.data.importers.safe_pickle import plain_value
from core.data.importers.source import Source
from core.errors import DataError

LAYOUTS = ("frame", "frame_table")


def is_deeplabcut_hdf(source: Source) -> bool:
    """Return whether some group is a table of pandas."""
    with hdf5(source.path) as file:
        return _key(file) is not None


def read_deeplabcut_hdf(source: Source) -> list[Recording]:
    """Read the names of the columns; the tracks are read when they are asked for.

    Raises:
        DataError: its columns are not those of DeepLabCut, or it cannot be read.
    """
    path = source.path
    with hdf5(path) as file:
        key = _key(file)
        assert key is not None
        columns = [_column(levels, path) for levels in _levels(file[key], path)]
    found = arrange(columns, path)

    def load() -> Tracks:
        with hdf5(path) as file:
            frame, values = _values(file[key], path)
        if values.shape[1] != len(columns):
            raise DataError(f"{path}: {values.shape[1]} columns of values for {len(columns)} names")
        return require_frames(tracks_of(frame, lambda place: values[:, place], found, path), path)

    return [
        Recording(
            name=recording_name(path),
            path=path,
            format="DeepLabCut HDF5",
            individuals=found.individuals,
            parts=found.parts,
            load=load,
            notes=found.notes,
        )
    ]


def _key(file: Group) -> str | None:
    return next(
        (
            name
            for name, each in file.items()
            if text(each.attrs.get("pandas_type", b"")) in LAYOUTS
        ),
        None,
    )


def _levels(group: Group, path: Path) -> Sequence[Sequence[str]]:
    """Return the names of each column, outermost first."""
    if "table" in group:
        axes = plain_value(bytes(group.attrs["non_index_axes"]), path)
        return [[str(name) for name in names] for names in axes[0][1]]
    if "axis0_nlevels" not in group.attrs:
        raise DataError(
            f"{path}: a table of pandas whose columns have one name each, not three or four"
        )
    levels = []
    for number in range(int(group.attrs["axis0_nlevels"])):
        names = texts(group[f"axis0_level{number}"])
        codes = group[
            f"axis0_label{number}" if f"axis0_label{number}" in group else f"axis0_code{number}"
        ]
        levels.append([names[code] for code in codes[()]])
    return [*zip(*levels, strict=True)]


def _column(levels: Sequence[str], path: Path) -> NamedColumn:
    if len(levels) == 3:
        return NamedColumn(ALONE, levels[1], levels[2])
    if len(levels) == 4:
        return NamedColumn(levels[1], levels[2], levels[3])
    raise DataError(
        f"{path}: its columns have {len(levels)} names each; DeepLabCut’s have scorer, individual (if there"
        " are several), body part and coordinate"
    )


def _values(group: Group, path: Path) -> tuple[npt.NDArray[np.float64], Floats]:
    """Return frame numbers ``(rows,)`` and values ``(rows, columns)``."""
    if "table" in group:
        table = group["table"][()]
        blocks = [name for name in table.dtype.names or () if name.startswith("values_block")]
        if blocks != ["values_block_0"]:
            raise DataError(
                f"{path}: its columns are of several types, where all should be numbers"
            )
        return _frames(table["index"], path), np.asarray(table["values_block_0"], np.float32)
    if "block0_values" not in group:
        raise DataError(f"{path}: no frame could be read: the table holds no values")
    if "axis1" not in group:
        raise DataError(
            f"{path}: its rows have several names each, as images labelled for training; import what"
            " analyze_videos wrote"
        )
    return _frames(group["axis1"][()], path), np.asarray(group["block0_values"][()], np.float32)


def _frames(index: Any, path: Path) -> npt.NDArray[np.float64]:
    if index.dtype.kind not in "iuf":
        raise DataError(f"{path}: its rows are named, not numbered by frame")
    return np.asarray(index, np.float64)
