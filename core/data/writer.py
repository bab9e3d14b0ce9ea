"""Write the competition's files: ``train.csv``, and one tracking and one annotation parquet per video."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from core.system.files import replace_atomically, write_bytes_atomically

_MOUSE_KEYS = ("strain", "color", "sex", "id", "age", "condition")
CSV_COLUMNS: tuple[str, ...] = (
    "lab_id",
    "video_id",
    *(f"mouse{mouse}_{key}" for mouse in range(1, 5) for key in _MOUSE_KEYS),
    "frames_per_second",
    "video_duration_sec",
    "pix_per_cm_approx",
    "video_width_pix",
    "video_height_pix",
    "arena_width_cm",
    "arena_height_cm",
    "arena_shape",
    "arena_type",
    "body_parts_tracked",
    "behaviors_labeled",
    "tracking_method",
)
"""The 38 columns of the competition's ``train.csv``, in its order."""

CHUNK_FRAMES = 20_000
"""Frames converted to rows at a time; each chunk is a row group."""

_TRACKING_SCHEMA = pa.schema(
    [
        ("video_frame", pa.int32()),
        ("mouse_id", pa.int8()),
        ("bodypart", pa.dictionary(pa.int32(), pa.string())),
        ("x", pa.float32()),
        ("y", pa.float32()),
    ]
)


class LabelledBout(Protocol):
    """What is written of a bout."""

    @property
    def agent(self) -> int:
        """Return the number of the mouse that acts."""

    @property
    def target(self) -> int:
        """Return the number of the mouse acted on; the agent's own for a self action."""

    @property
    def action(self) -> str:
        """Return the name of the action."""

    @property
    def start(self) -> int:
        """Return the first frame."""

    @property
    def stop(self) -> int:
        """Return the frame after the last."""


def tracking_path(root: Path, lab: str, video: str) -> Path:
    """Return the path of the video's tracking."""
    return root / "train_tracking" / lab / f"{video}.parquet"


def annotation_path(root: Path, lab: str, video: str) -> Path:
    """Return the path of the video's annotation."""
    return root / "train_annotation" / lab / f"{video}.parquet"


def write_tracking(
    path: Path,
    positions: npt.NDArray[np.float32],
    found: npt.NDArray[np.bool_],
    parts: Sequence[str],
    mice: Sequence[int] | None = None,
) -> None:
    """Write one row per tracked point, ordered by frame, mouse and body part.

    Args:
        path: the parquet file.
        positions: ``(frames, mice, keypoints, 2)`` in pixels.
        found: ``(frames, mice, keypoints)``; a point that is not found has no row.
        parts: name of each keypoint.
        mice: id of each mouse; by default, they count from 1.

    Raises:
        UserError: the file cannot be written.
    """
    names = pa.array(parts, pa.string())
    ids = np.array(mice if mice is not None else range(1, positions.shape[1] + 1), np.int8)
    # Dictionary pages would only be tried and abandoned for columns of distinct values, and
    # without the Arrow schema a reader sees plain strings, as in the competition's files.
    with (
        replace_atomically(path) as file,
        pq.ParquetWriter(
            file,
            _TRACKING_SCHEMA,
            use_dictionary=["mouse_id", "bodypart"],
            column_encoding={"video_frame": "DELTA_BINARY_PACKED"},
            compression={
                "video_frame": "NONE",
                "mouse_id": "SNAPPY",
                "bodypart": "SNAPPY",
                "x": "NONE",
                "y": "NONE",
            },
            store_schema=False,
        ) as writer,
    ):
        for first in range(0, len(positions), CHUNK_FRAMES):
            chunk = slice(first, first + CHUNK_FRAMES)
            writer.write_table(_rows(positions[chunk], found[chunk], first, names, ids))


def _rows(
    positions: npt.NDArray[np.float32],
    found: npt.NDArray[np.bool_],
    first: int,
    names: pa.Array,
    ids: npt.NDArray[np.int8],
) -> pa.Table:
    frames, mice, points = found.shape
    keep = np.flatnonzero(found)
    xy = positions.reshape(-1, 2)[keep]
    codes = np.tile(np.arange(points, dtype=np.int32), frames * mice)[keep]
    mouse = np.tile(np.repeat(ids, points), frames)[keep]
    frame = np.repeat(np.arange(first, first + frames, dtype=np.int32), mice * points)[keep]
    columns = [
        pa.array(frame),
        pa.array(mouse),
        pa.DictionaryArray.from_arrays(pa.array(codes), names),
        pa.array(np.ascontiguousarray(xy[:, 0])),
        pa.array(np.ascontiguousarray(xy[:, 1])),
    ]
    return pa.Table.from_arrays(columns, schema=_TRACKING_SCHEMA)


def write_annotation(path: Path, bouts: Iterable[LabelledBout]) -> None:
    """Write the labelled bouts, one row each, with exclusive ``stop_frame``.

    Raises:
        UserError: the file cannot be written.
    """
    rows = [*bouts]
    table = pa.table(
        {
            "agent_id": pa.array([bout.agent for bout in rows], pa.int8()),
            "target_id": pa.array([bout.target for bout in rows], pa.int8()),
            "action": pa.array([bout.action for bout in rows], pa.string()),
            "start_frame": pa.array([bout.start for bout in rows], pa.int32()),
            "stop_frame": pa.array([bout.stop for bout in rows], pa.int32()),
        }
    )
    with replace_atomically(path) as file:
        pq.write_table(table, file)


def behaviours_labelled(bouts: Iterable[LabelledBout]) -> str:
    """Return ``behaviors_labeled`` in the competition's form: a JSON list of ``agent,target,action``."""
    found = {
        f"mouse{bout.agent},"
        f"{'self' if bout.agent == bout.target else f'mouse{bout.target}'},{bout.action}"
        for bout in bouts
    }
    return json.dumps(sorted(found))


def write_train_csv(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write ``train.csv``; values missing from a row stay empty.

    An identical table is left alone: its modification time is part of the key of prepared data.

    Raises:
        UserError: the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, CSV_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    content = text.getvalue().encode()
    if not (path.is_file() and path.read_bytes() == content):
        write_bytes_atomically(path, content)
