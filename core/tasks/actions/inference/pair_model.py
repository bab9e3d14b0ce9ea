"""One checkpoint, ready to predict every annotated pair of a video."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.data.competition import Video, read_tracking
from core.data.keypoints import SLOTS_18
from core.data.tracking import Tracking
from core.errors import CheckpointError, ConfigError, DataError
from core.evaluation.pair_probabilities import PairProbabilities
from core.features.mirror import mirrored
from core.features.pair_view import HALO, pair_view
from core.models.folding import folded
from core.models.overlap import Numbers, WindowReader, predict_rows
from core.models.views import View, mean_of_views, views
from core.submission.lab_actions import LabActions
from core.system.progress import Progress
from core.system.tree import Tree
from core.tasks.actions.model import KIND, build_network
from core.tasks.actions.pair_rows import annotated_actions
from core.tasks.actions.reader import Positions, pair_positions
from core.tasks.actions.settings import MICE, actions_of
from core.tasks.actions.subjects import Vocabulary, ids_of_rows
from core.tasks.actions.task import chunking
from core.tasks.actions.timeline import timeline_frames, values_at
from core.tasks.loaded import FIT_ERRORS, LoadedCheckpoint

ANSWERS_AT_ONCE = 2**26
"""Probabilities on the model's timeline that are held at a time: 256 MiB."""
Pairs = list[tuple[int, int]]


class PairModel:
    """A trained network with what is known of the labs it was trained on.

    Args:
        loaded: the checkpoint.
        device: device to compute on.

    Raises:
        CheckpointError: its parts do not belong together, or it is of another task.
    """

    def __init__(self, loaded: LoadedCheckpoint, device: torch.device) -> None:
        try:
            self.experiment = actions_of(loaded.experiment, "predicting")
        except ConfigError as error:
            raise CheckpointError(f"{loaded.source}: {error}") from error
        state = loaded.task_state
        if state.get("kind") != KIND:
            raise CheckpointError(
                f"{loaded.source}: its task is {state.get('kind')!r}, which this version cannot predict"
            )
        config = self.experiment.model
        self.model = loaded.network(lambda table: build_network(config, table)).to(device)
        self._folded = folded(self.model).to(device)
        try:
            self._vocabulary = Vocabulary(tuple(state["labs"]))
            self.actions = tuple(map(str, state["actions"]))
            allowed = {lab: tuple(found) for lab, found in state["lab_actions"].items()}
            self.lab_actions = LabActions(allowed)
        except FIT_ERRORS as error:
            raise CheckpointError(
                f"{loaded.source}: what it was trained on cannot be read ({error})"
            ) from error

    def pair_probabilities(
        self, video: Video, tta: bool = False, progress: Progress | None = None
    ) -> PairProbabilities:
        """Read and predict one video.

        Args:
            video: its tracking is read, its annotations are not. Pairs are those on its whitelist whose
                mice are tracked.
            tta: average over the mirror image, with left and right swapped, and over two positions of the
                windows.
            progress: called with (done, total, what); windows are counted.

        Raises:
            DataError: its tracking is missing or damaged, or its scale is not known.
        """
        if not video.pixels_per_cm:
            raise DataError(
                f"video {video.video_id} (line {video.row}): has no pix_per_cm_approx, and the model sees"
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
            answers = self._answers(video, tracking, part, tta, progress)
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

    def _answers(
        self,
        video: Video,
        tracking: Tracking,
        pairs: Pairs,
        tta: bool,
        progress: Progress | None,
    ) -> npt.NDArray[np.float32]:
        """Return the probabilities of some pairs on the model's timeline, ``(pairs, frames, actions)``."""
        plain = chunking(self.experiment.data)
        reader = _VideoReader(
            video, tracking, pairs, self._vocabulary, self.experiment.data.frames_per_second
        )

        def answer(view: View[Positions]) -> npt.NDArray[np.float32]:
            read = reader.of(view.change(tracking.positions))
            rows, frames = len(pairs), reader.frames
            cut = view.chunking(plain)
            return predict_rows(self._folded, read, rows, frames, torch.sigmoid, cut, progress)

        def mirror(positions: Positions) -> Positions:
            return mirrored(positions, SLOTS_18)

        return mean_of_views(views([("flip", mirror)], shifts=2) if tta else views(), answer)


class _VideoReader:
    """Makes the inputs of windows of one video's pairs, on its timeline."""

    def __init__(
        self,
        video: Video,
        tracking: Tracking,
        pairs: Pairs,
        vocabulary: Vocabulary,
        frames_per_second: float,
    ) -> None:
        self._rate = frames_per_second
        self._ratio = video.frames_per_second / frames_per_second
        self._to_cm = 1 / (video.pixels_per_cm or float("nan"))
        self.frames = timeline_frames(tracking.frames, self._ratio)
        agents, targets = [agent for agent, _ in pairs], [target for _, target in pairs]
        slot = {mouse: number for number, mouse in enumerate(tracking.mouse_ids)}
        self._slots = [(slot[agent], slot[target]) for agent, target in pairs]
        self._is_pair = torch.tensor([agent != target for agent, target in pairs])
        rows = len(pairs)
        ids = ids_of_rows(vocabulary, [video.lab_id] * rows, [video.sexes] * rows, agents, targets)
        self._known: Mapping[str, Tensor] = {
            "fps": torch.full((rows,), video.frames_per_second),
            **{name: torch.from_numpy(numbers) for name, numbers in ids.items()},
        }

    def of(self, positions: Positions) -> WindowReader:
        """Return what reads windows of some view of the positions."""
        return partial(self._inputs, positions)

    def _inputs(self, positions: Positions, rows: Numbers, starts: Numbers, length: int) -> Tree:
        offset = np.arange(length + 2 * HALO) - HALO
        windows = np.stack(
            [
                pair_positions(positions, self._slots[row], (start + offset) * self._ratio)
                for row, start in zip(rows.tolist(), starts.tolist(), strict=True)
            ]
        )
        chosen = torch.from_numpy(rows)
        is_pair = self._is_pair[chosen]
        features = pair_view(torch.from_numpy(windows).mul_(self._to_cm), is_pair, self._rate)
        known = {name: tensor[chosen] for name, tensor in self._known.items()}
        return {"features": features, "is_pair": is_pair, **known}
