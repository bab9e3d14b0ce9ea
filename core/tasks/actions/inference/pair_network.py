"""A trained network that predicts every annotated pair of a video in overlapping windows."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.data.competition import Video
from core.data.tracking import Tracking
from core.features.pair_view import HALO, pair_view
from core.models.chunking import like_training
from core.models.folding import folded
from core.models.overlap import Numbers, WindowReader, predict_rows
from core.models.views import View, mean_of_views, views
from core.run.request import RunRequest
from core.system.progress import Progress
from core.system.tree import Tree
from core.tasks.actions.build import build_task
from core.tasks.actions.inference.pair_model import Masks, Pair, PairModel, mirror
from core.tasks.actions.model import build_network
from core.tasks.actions.reader import Positions, pair_positions
from core.tasks.actions.subjects import Vocabulary, ids_of_rows
from core.tasks.actions.timeline import timeline_frames
from core.tasks.loaded import LoadedCheckpoint
from core.tasks.predictor import Evaluation, validated


class PairNetwork(PairModel):
    """A trained network.

    Args:
        loaded: the checkpoint.
        device: device to compute on.

    Raises:
        CheckpointError: its parts do not fit together, or it is of another task.
    """

    def __init__(self, loaded: LoadedCheckpoint, device: torch.device) -> None:
        super().__init__(loaded)
        config = self.experiment.model
        self._device = device
        self.model = loaded.network(lambda table: build_network(config, table)).to(device)
        self._folded = folded(self.model).to(device)
        self._vocabulary = Vocabulary(self.labs)

    def answers(
        self,
        video: Video,
        tracking: Tracking,
        pairs: Sequence[Pair],
        masks: Masks,
        tta: bool,
        progress: Progress | None,
    ) -> npt.NDArray[np.float32]:
        """Return the probabilities of all actions for some pairs."""
        del masks
        plain = like_training(self.experiment.data.window)
        reader = _VideoReader(
            video, tracking, pairs, self._vocabulary, self.experiment.data.frames_per_second
        )

        def answer(view: View[Positions]) -> npt.NDArray[np.float32]:
            read = reader.of(view.change(tracking.positions))
            rows, frames = len(pairs), reader.frames
            cut = view.chunking(plain)
            return predict_rows(self._folded, read, rows, frames, torch.sigmoid, cut, progress)

        return mean_of_views(views([("flip", mirror)], shifts=2) if tta else views(), answer)

    def validate(self, request: RunRequest, cache: Path, progress: Progress) -> Evaluation:
        """Measure on the validation windows of a run, whose labs are those of this checkpoint."""
        task = build_task(request, cache, self._device, progress)
        return validated(task, self.model)


class _VideoReader:
    """Makes the inputs of windows of one video's pairs, on its timeline."""

    def __init__(
        self,
        video: Video,
        tracking: Tracking,
        pairs: Sequence[Pair],
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
        """Return the function that reads windows of one view of the positions."""
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
