"""Write predictions as files: one row per frame, and a second file with one row per bout; parquet or CSV.

Written video by video, so that memory holds one, and under temporary names until all are complete.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas  # noqa: F401  (pyarrow would import it for the first table, from C, which loses a Ctrl-C)
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from core.errors import UserError
from core.postprocess.decide import Bout, find_bouts
from core.postprocess.rules import Rules
from core.system.files import replace_atomically
from core.tasks.behaviour.inference.prediction import VideoPrediction

WRITERS: dict[str, Callable[[IO[bytes], pa.Schema], Any]] = {
    ".parquet": pq.ParquetWriter,
    ".csv": pcsv.CSVWriter,
}
BOUT_SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("class", pa.string()),
        ("start_frame", pa.int32()),
        ("stop_frame", pa.int32()),
        ("mean_probability", pa.float32()),
    ]
)
"""``stop_frame`` is exclusive."""


@dataclass(frozen=True, slots=True)
class WrittenFiles:
    """The files that :func:`write_predictions` wrote."""

    frames_path: Path
    bouts_path: Path
    videos: int
    frames: int
    bouts: int


def check_suffix(path: Path) -> None:
    """Reject a file name with an unknown suffix, before anything is computed.

    Raises:
        UserError: the suffix is neither ``.parquet`` nor ``.csv``.
    """
    if path.suffix not in WRITERS:
        raise UserError(
            f"{path}: {path.suffix or 'no suffix'!r} names no format that predictions are written in;"
            f" end the name in {' or '.join(WRITERS)}"
        )


def bouts_path(path: Path) -> Path:
    """Return the path of the bouts for a file of frames: ``NAME.bouts.<suffix>`` beside it."""
    return path.with_suffix(f".bouts{path.suffix}")


def write_predictions(
    path: Path,
    predictions: Iterable[VideoPrediction],
    classes: Sequence[str],
    rules: Rules | None = None,
) -> WrittenFiles:
    """Write predictions as they arrive.

    ``path`` gets the columns ``video_id``, ``video_frame``, ``predicted_class`` and a probability
    ``p_<class>`` each; ``NAME.bouts.<suffix>`` beside it has those of :data:`BOUT_SCHEMA`. If anything
    fails, existing files stay as they were.

    Args:
        path: ends in ``.parquet`` or ``.csv``.
        predictions: iterated once.
        classes: class names by index.
        rules: how bouts are formed.

    Raises:
        UserError: an unknown suffix, or the folder cannot be written.
    """
    check_suffix(path)
    beside = bouts_path(path)
    videos = frames = bouts = 0
    with ExitStack() as stack:
        frame_writer = stack.enter_context(_writer(path, frame_schema(classes)))
        bout_writer = stack.enter_context(_writer(beside, BOUT_SCHEMA))
        for prediction in predictions:
            found = find_bouts(
                prediction.video_id,
                prediction.probabilities,
                rules,
                classes,
                prediction.frames_per_second,
            )
            frame_writer.write_table(frame_table(prediction, classes))
            bout_writer.write_table(bout_table(found, classes))
            videos, frames = videos + 1, frames + len(prediction.classes)
            bouts += len(found)
    return WrittenFiles(path, beside, videos, frames, bouts)


def frame_schema(classes: Sequence[str]) -> pa.Schema:
    """Return the columns of the file of frames."""
    return pa.schema(
        [
            ("video_id", pa.string()),
            ("video_frame", pa.int32()),
            ("predicted_class", pa.string()),
            *((f"p_{name}", pa.float32()) for name in classes),
        ]
    )


def frame_table(prediction: VideoPrediction, classes: Sequence[str]) -> pa.Table:
    """Return one video's rows of :func:`frame_schema`."""
    frames = len(prediction.classes)
    columns = [
        pa.repeat(pa.scalar(prediction.video_id), frames),
        pa.array(np.arange(frames, dtype=np.int32)),
        pa.array(list(classes), pa.string()).take(pa.array(prediction.classes)),
        *(pa.array(np.ascontiguousarray(column)) for column in prediction.probabilities.T),
    ]
    return pa.Table.from_arrays(columns, schema=frame_schema(classes))


def bout_table(bouts: Sequence[Bout], classes: Sequence[str]) -> pa.Table:
    """Return bouts as rows of :data:`BOUT_SCHEMA`."""
    rows = [
        (
            bout.video_id,
            classes[bout.class_index],
            bout.start_frame,
            bout.stop_frame,
            bout.probability,
        )
        for bout in bouts
    ]
    columns = zip(*rows, strict=True) if rows else ([] for _ in BOUT_SCHEMA)
    arrays = [pa.array(list(c), field.type) for c, field in zip(columns, BOUT_SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=BOUT_SCHEMA)


@contextmanager
def _writer(path: Path, schema: pa.Schema) -> Iterator[Any]:
    with (
        replace_atomically(path) as file,
        closing(WRITERS[path.suffix](file, schema)) as writer,
    ):
        yield writer
