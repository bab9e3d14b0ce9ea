"""What a model says of the rows of videos, kept in a file and read at any place of a video."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from core.data.competition import Video
from core.errors import ConfigError, DataError
from core.evaluation.pair_probabilities import PairProbabilities
from core.system.progress import Progress
from core.tasks.actions.chosen import unit_of
from core.tasks.actions.pair_rows import AnnotatedVideo, PairRows
from core.tasks.actions.predictions import kept_video
from core.tasks.actions.timeline import Floats, values_at
from core.tasks.soft_labels import soft_labels
from core.tasks.teacher import Teacher


@runtime_checkable
class PredictsPairs(Protocol):
    """What is needed of this task's predictor."""

    def pair_probabilities(self, video: Video) -> PairProbabilities:
        """Read and predict one video."""
        ...


Ask = Callable[[int], PairProbabilities]
"""Returns the probabilities of one of the videos, by its place among them."""


class SoftRows:
    """The probabilities of rows' annotated actions at every frame of their videos.

    Args:
        rows: grouped by video.
        videos: the video of each row.
        ask: what says the probabilities; called if they are not kept yet.
        folder: where they are kept; its name changes with what says them.
        progress: called with (done, total, what).
        what: names what is done to the videos, for the progress.

    Raises:
        DataError: an answer is not of the rows' frames, pairs and actions.
    """

    def __init__(
        self,
        rows: PairRows,
        videos: Sequence[AnnotatedVideo],
        ask: Ask,
        folder: Path,
        progress: Progress,
        what: str,
    ) -> None:
        self._rows = rows
        self._frames = np.array([video.frames for video in videos], np.int64)
        sizes = self._frames * rows.mask.sum(axis=1)
        self._offsets = np.cumsum(sizes) - sizes
        chosen, first = np.unique(rows.video, return_index=True)
        order = np.argsort(first)
        members = [np.flatnonzero(rows.video == chosen[place]) for place in order]
        names = [unit_of(videos[int(part[0])]) for part in members]

        def answer(number: int) -> NDArray[np.float32]:
            part = members[number]
            about = ask(int(rows.video[part[0]]))
            found = [_of_row(about, rows, row, int(self._frames[row])) for row in part.tolist()]
            return np.concatenate(found)

        self._values = soft_labels(folder, names, 1, answer, progress, what).values.numpy()

    def at(self, row: int, places: Floats) -> NDArray[np.float32]:
        """Return the probabilities of one row, interpolated linearly.

        Args:
            row: index of the row.
            places: ``(places,)`` ascending, in frames of the video; beyond its ends the value there is kept.

        Returns:
            ``(places, actions)``, 0 for actions that are not annotated.
        """
        actions = np.flatnonzero(self._rows.mask[row])
        last = int(self._frames[row]) - 1
        low, high = (int(np.clip(edge, 0, last)) for edge in (places[0], np.ceil(places[-1])))
        begin = int(self._offsets[row]) + low * len(actions)
        part = self._values[begin : begin + (high + 1 - low) * len(actions), 0]
        out = np.zeros((len(places), len(self._rows.actions)), np.float32)
        out[:, actions] = values_at(part.reshape(-1, len(actions)), places - low)
        return out


def _of_row(about: PairProbabilities, rows: PairRows, row: int, frames: int) -> NDArray[np.float32]:
    """Return the probabilities of a row's annotated actions, ``(frames × actions,)``.

    They are 0 where a mouse is not tracked: nothing is said of it, and it is not learned from.
    """
    actions = [rows.actions[action] for action in np.flatnonzero(rows.mask[row])]
    if not rows.tracked[row]:
        return np.zeros(frames * len(actions), np.float32)
    pair = np.flatnonzero((about.agents == rows.agent[row]) & (about.targets == rows.target[row]))
    unknown = sorted({*actions} - {*about.actions})
    if unknown or not len(pair) or about.frames != frames:
        why = (
            f"has no answer about {unknown[0]}"
            if unknown
            else f"has answers for {about.frames:,} of {frames:,} frames"
            if len(pair)
            else f"has no answer about mouse {rows.agent[row]} towards {rows.target[row]}"
        )
        raise DataError(f"{about.unit}: the run that is to be learned from {why}")
    columns = [about.actions.index(action) for action in actions]
    return np.ascontiguousarray(about.values[int(pair[0])][:, columns], np.float32).reshape(-1)


def answers_of(teacher: Teacher, videos: Sequence[AnnotatedVideo], listed: Sequence[Video]) -> Ask:
    """Return the function that asks a teacher about videos; it is loaded once it is needed.

    Args:
        teacher: the teacher.
        videos: the videos, by place.
        listed: the same videos, among others, as their table has them.

    Raises:
        ConfigError: the teacher is of another task.
    """
    by_id = {video.video_id: video for video in listed}
    loaded: list[PredictsPairs] = []

    def ask(place: int) -> PairProbabilities:
        video = videos[place]
        if teacher.kept is not None and teacher.has_kept(unit_of(video)):
            return kept_video(teacher.kept, unit_of(video)).probabilities
        if not loaded:
            predictor = teacher.load()
            if not isinstance(predictor, PredictsPairs):
                raise ConfigError(f"training.teacher: {teacher.name} is of another task")
            loaded.append(predictor)
        return loaded[0].pair_probabilities(by_id[video.video_id])

    return ask
