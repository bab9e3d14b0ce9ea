"""What models of every kind share when they predict every annotated pair of a video."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.data.competition import Video, read_tracking
from core.data.keypoints import SLOTS_18
from core.data.tracking import Tracking
from core.errors import CheckpointError, ConfigError, DataError
from core.evaluation.pair_probabilities import PairProbabilities
from core.features.mirror import mirrored
from core.run.request import RunRequest
from core.submission.lab_actions import LabActions
from core.system.progress import Progress
from core.tasks.actions.model import KIND
from core.tasks.actions.pair_rows import annotated_actions
from core.tasks.actions.reader import Positions
from core.tasks.actions.settings import MICE, actions_of
from core.tasks.actions.timeline import timeline_frames, values_at
from core.tasks.loaded import FIT_ERRORS, LoadedCheckpoint
from core.tasks.predictor import Evaluation

ANSWERS_AT_ONCE = 2**26
"""Probabilities on the model's timeline held in memory at once: 256 MiB."""
Pair = tuple[int, int]
Masks = Mapping[Pair, npt.NDArray[np.bool_]]
"""Pair → ``(actions,)``: which actions are on its whitelist."""


class PairModel(ABC):
    """A trained model, and the labs and actions it was trained on.

    Args:
        loaded: the checkpoint.

    Raises:
        CheckpointError: it is of another task, or damaged.
    """

    def __init__(self, loaded: LoadedCheckpoint) -> None:
        try:
            self.experiment = actions_of(loaded.experiment, "predicting")
        except ConfigError as error:
            raise CheckpointError(f"{loaded.source}: {error}") from error
        state = loaded.task_state
        if state.get("kind") != KIND:
            raise CheckpointError(
                f"{loaded.source}: its task is {state.get('kind')!r}, which this version cannot predict"
            )
        try:
            self.labs = tuple(map(str, state["labs"]))
            self.actions = tuple(map(str, state["actions"]))
            allowed = {lab: tuple(found) for lab, found in state["lab_actions"].items()}
            self.lab_actions = LabActions(allowed)
        except FIT_ERRORS as error:
            raise CheckpointError(
                f"{loaded.source}: its labs and actions cannot be read ({error})"
            ) from error

    def pair_probabilities(
        self, video: Video, tta: bool = False, progress: Progress | None = None
    ) -> PairProbabilities:
        """Read and predict one video.

        Args:
            video: its tracking is read, its annotations are not. The pairs are those on its whitelist whose
                mice are tracked.
            tta: average over the mirror image, with left and right swapped, and if the model reads windows,
                over two positions of them.
            progress: called with (done, total, what); windows are counted.

        Raises:
            DataError: its tracking is missing or damaged, or its scale is not known.
        """
        if not video.pixels_per_cm:
            raise DataError(
                f"video {video.video_id} (line {video.row}): has no pix_per_cm_approx, but the model needs"
                " lengths in cm"
            )
        tracking = read_tracking(video, SLOTS_18, MICE)
        place = {action: number for number, action in enumerate(self.actions)}
        masks = annotated_actions(video.behaviors, place)
        pairs = [pair for pair in masks if set(pair) <= set(tracking.mouse_ids)]
        values = np.empty((len(pairs), tracking.frames, len(self.actions)), np.float32)
        ratio = video.frames_per_second / self.experiment.data.frames_per_second
        size = timeline_frames(tracking.frames, ratio) * len(self.actions)
        own = np.arange(tracking.frames) / ratio
        step = max(1, ANSWERS_AT_ONCE // max(1, size))
        for first in range(0, len(pairs), step):
            part = pairs[first : first + step]
            answers = self.answers(video, tracking, part, masks, tta, progress)
            for number, (pair, answer) in enumerate(zip(part, answers, strict=True), start=first):
                values[number] = np.nan_to_num(values_at(answer, own))
                values[number, :, ~masks[pair]] = np.nan
        mice = np.array(pairs, np.int64).reshape(-1, 2)
        return PairProbabilities(
            video_id=video.video_id,
            lab_id=video.lab_id,
            frames_per_second=video.frames_per_second,
            agents=mice[:, 0],
            targets=mice[:, 1],
            actions=self.actions,
            values=values,
        )

    @abstractmethod
    def answers(
        self,
        video: Video,
        tracking: Tracking,
        pairs: Sequence[Pair],
        masks: Masks,
        tta: bool,
        progress: Progress | None,
    ) -> npt.NDArray[np.float32]:
        """Return the probabilities of some pairs on the model's timeline, ``(pairs, frames, actions)``.

        Probabilities of actions that are not on a pair's whitelist are ignored.
        """

    @abstractmethod
    def validate(self, request: RunRequest, cache: Path, progress: Progress) -> Evaluation:
        """Measure on the validation videos of a run; see :class:`~core.tasks.predictor.Predictor`."""


def mirror(positions: Positions) -> Positions:
    """Return the mirror image of a video, with left and right swapped."""
    return mirrored(positions, SLOTS_18)
