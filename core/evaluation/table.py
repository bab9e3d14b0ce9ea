"""The evaluation table: what a comparison of two runs is computed from.

One row for each video × true class × predicted class, with the number of frames, and the video's own
macro F1 in each of its rows. Stored beside a run's best checkpoint as ``evaluation/best.parquet``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from core.errors import DataError
from core.evaluation.frames import f1_macro

COLUMNS = ("video_id", "true_class", "predicted_class", "frames")


@dataclass(frozen=True, slots=True)
class Confusions:
    """Confusion counts of several videos."""

    videos: tuple[str, ...]
    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    """``(videos, classes, classes)``; rows are the truth."""

    def reordered(self, videos: Sequence[str]) -> "Confusions":
        """Return the same with the videos in another order."""
        position = {video: number for number, video in enumerate(self.videos)}
        return Confusions(tuple(videos), self.classes, self.counts[[position[v] for v in videos]])


def evaluation_table(confusions: Confusions) -> pa.Table:
    """Lay out confusion counts as rows, zeros included, videos and classes in their order."""
    videos, classes = len(confusions.videos), len(confusions.classes)
    names = np.array(confusions.classes, dtype=object)
    return pa.table(
        {
            "video_id": np.repeat(np.array(confusions.videos, dtype=object), classes * classes),
            "true_class": np.tile(np.repeat(names, classes), videos),
            "predicted_class": np.tile(names, videos * classes),
            "frames": confusions.counts.reshape(-1).astype(np.int64),
            "f1_macro": np.repeat(f1_macro(confusions.counts), classes * classes),
        }
    )


def read_confusions(path: Path) -> Confusions:
    """Read an evaluation table.

    Raises:
        DataError: missing, damaged, or not such a table.
    """
    try:
        table = pq.read_table(path, columns=list(COLUMNS))
        columns = [table[name].to_pylist() for name in COLUMNS]
    except FileNotFoundError as error:
        raise DataError(
            f"{path}: not there; no checkpoint of the run has been evaluated"
        ) from error
    except (OSError, pa.ArrowException, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: not an evaluation table ({reason})") from error
    videos = tuple(dict.fromkeys(columns[0]))
    classes = tuple(dict.fromkeys(columns[1]))
    if len(columns[3]) != len(videos) * len(classes) ** 2:
        raise DataError(
            f"{path}: {len(columns[3])} rows are not videos × classes × classes; evaluate again"
        )
    shape = (len(videos), len(classes), len(classes))
    return Confusions(videos, classes, np.asarray(columns[3], dtype=np.int64).reshape(shape))
