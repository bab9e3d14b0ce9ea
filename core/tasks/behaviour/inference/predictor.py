"""Apply checkpoints to data: each video is read once, one at a time."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch

from core.blending.blend import Blend, blended
from core.data.competition import LeftOut, Video
from core.data.labels import ActionMap
from core.errors import ConfigError, DataError
from core.evaluation.pair_probabilities import PairProbabilities
from core.frames.store import FrameStore
from core.models.chunks import Probabilities
from core.run.request import RunRequest
from core.system.progress import Progress
from core.tasks.behaviour.as_actions import as_actions
from core.tasks.behaviour.build import build_task
from core.tasks.behaviour.inference.evaluate import bout_rules, evaluate_videos
from core.tasks.behaviour.inference.frame_model import FrameModel
from core.tasks.behaviour.inference.output import bouts_path, check_suffix, write_predictions
from core.tasks.behaviour.inference.prediction import VideoPrediction
from core.tasks.behaviour.probabilities import classes_of
from core.tasks.behaviour.settings import BehaviourExperiment
from core.tasks.loaded import LoadedCheckpoint
from core.tasks.predictor import HOW_TO_SKIP, Evaluation, PredictionOptions, Written, validated
from core.tasks.videos import measurable, predictable


class FramePredictor:
    """The mean or blend of several checkpoints' probabilities, or the probabilities of one.

    Args:
        members: one or more, with the same classes; their features, mice and keypoints may differ.
        device: device to compute on.
    """

    accepts = frozenset(
        {"table", "skip_bad", "tta", "median", "merge_gap", "min_frames", "rules", "actions"}
    )
    blend: Blend | None = None
    """Makes one answer of those of all members; ``None``: their mean."""

    def __init__(self, members: Sequence[FrameModel], device: torch.device) -> None:
        self._members, self._device = members, device

    @property
    def experiment(self) -> BehaviourExperiment:
        """The settings of the first member."""
        return self._members[0].experiment

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names by index."""
        return self.experiment.classes

    def predict(
        self,
        videos: Iterable[Video],
        progress: Progress | None = None,
        left_out: list[LeftOut] | None = None,
        tta: bool = False,
    ) -> Iterator[VideoPrediction]:
        """Predict videos one after the other, each on demand.

        Args:
            videos: videos with their tracking files; annotations are not read.
            progress: called with (done, total, what) before each video and at the end.
            left_out: collects videos that cannot be predicted, with the reason, instead of an error.
            tta: see :meth:`FrameModel.predict_one`.

        Raises:
            DataError: a tracking file is missing or damaged; or all are.
            ConfigError: with ``tta``, the keypoints have no mirror image.
        """
        queue = list(videos)
        for done, video in enumerate(queue):
            if progress is not None:
                progress(done, len(queue), "videos")
            if (prediction := self._predicted(video, left_out, tta)) is not None:
                yield prediction
        if left_out and len(left_out) >= len(queue):
            raise DataError(f"none of the {len(queue)} videos can be read: {left_out[0].reason}")
        if progress is not None:
            progress(len(queue), len(queue), "videos")

    def _predicted(
        self, video: Video, left_out: list[LeftOut] | None, tta: bool
    ) -> VideoPrediction | None:
        try:
            return self.predict_one(video, tta)
        except DataError as error:
            if left_out is None:
                raise DataError(f"{error}{HOW_TO_SKIP}") from error
            left_out.append(LeftOut(video, str(error)))
            return None

    def predict_one(self, video: Video, tta: bool = False) -> VideoPrediction:
        """Read and predict one video, once per member: members may use different mice and keypoints.

        Raises:
            DataError: its tracking file is missing or damaged.
        """
        probabilities = blended(
            self._members, lambda member: member.predict_one(video, tta), self.blend
        )
        return VideoPrediction(
            video.video_id,
            video.lab_id,
            probabilities,
            classes_of(probabilities),
            video.frames_per_second,
        )

    def predict_frames_of(
        self, store: FrameStore, progress: Progress | None = None
    ) -> Probabilities:
        """Predict the first video of a store; see :meth:`FrameModel.predict_frames_of`."""
        return blended(
            self._members, lambda member: member.predict_frames_of(store, progress), self.blend
        )

    def pair_probabilities(self, video: Video, tta: bool = False) -> PairProbabilities:
        """Predict one video as the competition's actions; see :mod:`core.tasks.behaviour.as_actions`.

        Raises:
            DataError: its tracking file is missing or damaged.
            ConfigError: with ``tta``, the keypoints have no mirror image.
        """
        probabilities = self.predict_one(video, tta).probabilities
        return as_actions(video, probabilities, self.experiment.actions, self.classes)

    # ── as every task's predictor ─────────────────────────────────────────────────────────────

    def targets(self, output: Path) -> tuple[Path, ...]:
        """Return the file of frames and that of bouts; see :class:`~core.tasks.predictor.Predictor`."""
        check_suffix(output)
        return output, bouts_path(output)

    def write(
        self,
        data: Path,
        output: Path,
        options: PredictionOptions,
        progress: Progress | None = None,
    ) -> Written:
        """Write the class and probabilities of every frame, and bouts."""
        rules, names = bout_rules(options), self._names(options)
        videos, missing = predictable(data, options.table)
        bad: list[LeftOut] = []
        predictions = self.predict(videos, progress, bad if options.skip_bad else None, options.tta)
        files = write_predictions(output, predictions, names, rules)
        listed = len(videos) + len(missing)
        without = f"{data}: {len(missing)} of {listed} videos have no tracking file; left out"
        return Written(
            document=dataclasses.asdict(files),
            sentence=f"{files.frames_path}: {files.frames:,} frames of {files.videos} videos;"
            f" {files.bouts_path}: {files.bouts:,} bouts",
            bad={each.video.video_id: each.reason for each in bad},
            notes=(without,) if missing else (),
        )

    def _names(self, options: PredictionOptions) -> tuple[str, ...]:
        """Return the classes in the words of the data: that of the one action mapped to a class.

        Raises:
            ConfigError: an action is mapped to no class of the run.
        """
        words = dict(options.actions)
        ActionMap(words, self.classes)
        found = []
        for name in self.classes:
            own = [action for action, of in words.items() if of == name]
            found.append(own[0] if len(own) == 1 else name)
        return tuple(found)

    def evaluate(
        self, data: Path, options: PredictionOptions, progress: Progress | None = None
    ) -> Evaluation:
        """Evaluate on every labelled video of a data folder whose files exist."""
        videos = measurable(data, options.table or "train")

        def predict(
            videos: Iterable[Video], left_out: list[LeftOut] | None
        ) -> Iterator[VideoPrediction]:
            return self.predict(videos, progress, left_out, options.tta)

        return evaluate_videos(predict, videos, self.experiment, options)

    def validate(self, request: RunRequest, cache: Path, progress: Progress) -> Evaluation:
        """Measure on the validation windows of a run, whose features are those of its one checkpoint."""
        if len(self._members) > 1:
            raise ConfigError(f"{request.run}: only one checkpoint can be validated at a time")
        task = build_task(request, cache, self._device, progress)
        return validated(task, self._members[0].model.to(self._device))


def predictor(members: Sequence[LoadedCheckpoint], device: torch.device) -> FramePredictor:
    """Return the predictor of some checkpoints; one that is given twice counts twice.

    Raises:
        CheckpointError: one cannot be used.
    """
    models = {id(each): FrameModel(each, device) for each in members}
    return FramePredictor([models[id(each)] for each in members], device)
