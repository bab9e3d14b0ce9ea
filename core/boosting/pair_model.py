"""The boosted models of one checkpoint, ready to predict every annotated pair of a video."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from core.boosting.learner import WHO
from core.boosting.measuring import measured
from core.boosting.models import BoostedModels
from core.boosting.reading import VideoReader
from core.data.competition import Video
from core.data.manifest import source_fingerprint
from core.data.tracking import Tracking
from core.errors import CheckpointError
from core.models.views import View, mean_of_views, views
from core.run.request import RunRequest
from core.system.gradient_boosting import require_lightgbm
from core.system.progress import Progress
from core.tasks.actions.build import open_data
from core.tasks.actions.chosen import ChosenVideos
from core.tasks.actions.inference.pair_model import Masks, Pair, PairModel, mirror
from core.tasks.actions.reader import Positions
from core.tasks.loaded import FIT_ERRORS, LoadedCheckpoint
from core.tasks.predictor import Evaluation, evaluation_of


class BoostedPairs(PairModel):
    """Boosted models; those of labs that they were not fitted for answer 0.

    Args:
        loaded: the checkpoint.

    Raises:
        CheckpointError: it is of something else.
        ConfigError: LightGBM is not installed.
    """

    def __init__(self, loaded: LoadedCheckpoint) -> None:
        super().__init__(loaded)
        require_lightgbm(WHO)
        try:
            threads = torch.get_num_threads()
            self._models = BoostedModels.of_checkpoint(loaded.input_table, loaded.weights, threads)
        except FIT_ERRORS as error:
            raise CheckpointError(
                f"{loaded.source}: its models cannot be read ({error})"
            ) from error

    def answers(
        self,
        video: Video,
        tracking: Tracking,
        pairs: Sequence[Pair],
        masks: Masks,
        tta: bool,
        progress: Progress | None,
    ) -> npt.NDArray[np.float32]:
        """Return the probabilities of some pairs, of the actions on their whitelists."""
        slot = {mouse: number for number, mouse in enumerate(tracking.mouse_ids)}
        ratio = video.frames_per_second / self.experiment.data.frames_per_second

        def answer(view: View[Positions]) -> npt.NDArray[np.float32]:
            positions = view.change(tracking.positions)
            reader = VideoReader(
                positions, len(tracking.mouse_ids), video.pixels_per_cm or float("nan"), ratio
            )
            found = np.zeros((len(pairs), reader.frames, len(self.actions)), np.float32)
            if video.lab_id not in self._models.labs:
                return found
            for number, (agent, target) in enumerate(pairs):
                if progress is not None:
                    progress(number, len(pairs), "pairs")
                read = reader.row(slot[agent], slot[target])
                asked, is_pair = masks[agent, target], agent != target
                found[number] = self._models.answers(
                    video.lab_id, is_pair, asked, read, reader.frames
                )
            return found

        return mean_of_views(views([("flip", mirror)]) if tta else views(), answer)

    def validate(self, request: RunRequest, cache: Path, progress: Progress) -> Evaluation:
        """Measure on the validation videos of a run."""
        data = open_data(self.experiment, request.data, cache, progress).prepared
        chosen = ChosenVideos.of(self.experiment, data)
        measure = measured(self._models, self.experiment, chosen, progress)
        source = source_fingerprint(data.videos[video] for video in chosen.validation)
        return evaluation_of(measure, chosen.examples(chosen.validation_rows), source)
