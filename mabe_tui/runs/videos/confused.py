"""Frames of one true class that were predicted as another: in which videos, and where in a video."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.evaluation.table import read_confusions
from core.run.rundir import RunDir
from mabe_tui.runs.videos.video_prediction import PredictedVideo, first_after, first_before


@dataclass(frozen=True)
class Pair:
    """A confusion of two classes."""

    truth: str
    predicted: str

    def __str__(self) -> str:
        return f"{self.truth} → {self.predicted}"


def frames_confused(run: RunDir, pair: Pair) -> dict[str, int]:
    """Return how many frames of each validation video a run's best epoch confused; 0 for none.

    Raises:
        DataError: the run has no table of confusions, or it is damaged.
    """
    table = read_confusions(run.evaluation_table)
    if pair.truth not in table.classes or pair.predicted not in table.classes:
        return dict.fromkeys(table.videos, 0)
    cell = table.classes.index(pair.truth), table.classes.index(pair.predicted)
    return {
        video: int(counts[cell]) for video, counts in zip(table.videos, table.counts, strict=True)
    }


def confused_starts(watched: PredictedVideo, pair: Pair) -> npt.NDArray[np.int64]:
    """Return the first frame of each run of frames that a checkpoint confuses so, ascending."""
    names = watched.video.classes
    if pair.truth not in names or pair.predicted not in names:
        return np.array([], np.int64)
    true, other = names.index(pair.truth), names.index(pair.predicted)
    inside = (watched.video.truth == true) & (watched.prediction == other)
    return np.flatnonzero(inside & ~np.concatenate(([False], inside[:-1]))).astype(np.int64)


def next_confused(watched: PredictedVideo, pair: Pair, frame: int, direction: int) -> int | None:
    """Return where the next (1) or the previous (-1) run of frames confused so begins, if there is one."""
    starts = confused_starts(watched, pair)
    return first_after(starts, frame) if direction > 0 else first_before(starts, frame)
