"""Kept predictions: one row for each frame of each (agent, target) of the validation videos.

The columns are ``unit`` (``LAB/VIDEO``), ``agent`` and ``target`` (int8 mouse numbers, equal where a mouse
acts alone), ``frame`` (int32, the video's own, from 0), ``frames_per_second`` (of the video), and for each
action ``label/ACTION`` (int8: 1, 0, or −1 where it is not annotated) and ``probability/ACTION`` (float32; NaN
where it is not annotated). A mouse that is annotated but not tracked has the probability 0 throughout, so its
bouts count as missed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.errors import DataError
from core.evaluation.official import lab_and_rest
from core.evaluation.pair_probabilities import PairProbabilities
from core.evaluation.predictions import AGENT, FRAME, LABEL, PROBABILITY, RATE, TARGET, UNIT
from core.evaluation.stored_predictions import UnitPredictions
from core.frames.windows import Indices
from core.tasks.actions.chosen import unit_of
from core.tasks.actions.decisions import Probabilities
from core.tasks.actions.pair_rows import AnnotatedVideo, PairRows

NOT_ANNOTATED = -1
KEYS = (UNIT, AGENT, TARGET, FRAME)


@dataclass(frozen=True, slots=True, eq=False)
class KeptVideo:
    """What is kept of one video."""

    probabilities: PairProbabilities
    labels: npt.NDArray[np.int8]
    """``(pairs, frames, actions)`` of 1, 0 and :data:`NOT_ANNOTATED`."""


def window_table(
    rows: PairRows, row: int, video: AnnotatedVideo, frames: Indices, probabilities: Probabilities
) -> pa.Table:
    """Return the table of some frames of one row.

    Args:
        rows: of the validation videos.
        row: index of the row.
        video: the row's video.
        frames: ``(frames,)`` frame numbers of the video.
        probabilities: ``(frames, actions)``; ignored where a mouse is not tracked.
    """
    mask, count = rows.mask[row], len(frames)
    values = probabilities if rows.tracked[row] else np.zeros_like(probabilities)
    values = np.where(mask, values, np.nan).astype(np.float32)
    labels = np.where(mask, rows.labels(row, frames).astype(np.int8), np.int8(NOT_ANNOTATED))
    names = pa.array([unit_of(video)], pa.string())
    columns: dict[str, object] = {
        UNIT: pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), names),
        AGENT: np.full(count, rows.agent[row], np.int8),
        TARGET: np.full(count, rows.target[row], np.int8),
        FRAME: frames.astype(np.int32),
        RATE: np.full(count, video.frames_per_second),
    }
    for place, action in enumerate(rows.actions):
        columns[LABEL + action] = np.ascontiguousarray(labels[:, place])
    for place, action in enumerate(rows.actions):
        columns[PROBABILITY + action] = np.ascontiguousarray(values[:, place])
    return pa.table(columns)


def kept_videos(predictions: UnitPredictions) -> Iterator[KeptVideo]:
    """Return kept predictions one video at a time, sorted by name.

    Raises:
        DataError: a table is damaged, or a video lacks frames.
    """
    for unit in predictions.units:
        yield kept_video(predictions, unit)


def kept_video(predictions: UnitPredictions, unit: str) -> KeptVideo:
    """Return the kept predictions of one video, by the name of its unit, as arrays.

    Raises:
        DataError: a table is damaged, or a frame is missing or comes twice.
    """
    table, actions = predictions.of_unit(unit).table(), predictions.labels
    agent, target, frame = (table[name].to_numpy().astype(np.int64) for name in KEYS[1:])
    pairs, pair = np.unique(np.stack((agent, target), axis=1), axis=0, return_inverse=True)
    frames = int(frame.max()) + 1
    place = pair.reshape(-1) * frames + frame
    if len(place) != len(pairs) * frames or len(np.unique(place)) != len(place):
        raise DataError(
            f"predictions: {unit} does not have exactly one row for each frame of each pair"
        )
    shape = len(pairs), frames, len(actions)
    values, labels = np.empty(shape, np.float32), np.empty(shape, np.int8)
    for number, action in enumerate(actions):
        values.reshape(-1, shape[2])[place, number] = table[PROBABILITY + action].to_numpy()
        labels.reshape(-1, shape[2])[place, number] = table[LABEL + action].to_numpy()
    lab, video = lab_and_rest(unit)
    rate = float(table[RATE][0].as_py())
    probabilities = PairProbabilities(
        video, lab, rate, pairs[:, 0], pairs[:, 1], tuple(actions), values
    )
    return KeptVideo(probabilities, labels)
