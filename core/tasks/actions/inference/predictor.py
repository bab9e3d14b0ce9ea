"""Apply checkpoints to data: the models predict each video one after the other."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.blending.blend import Blend, blended
from core.config.task_modules import load_attribute
from core.data.competition import Bouts, LeftOut, Video, read_videos
from core.errors import ConfigError, DataError
from core.evaluation.pair_probabilities import PairProbabilities
from core.postprocess.decide import decide
from core.postprocess.rules import Rules
from core.run.request import RunRequest
from core.submission.lab_actions import LabActions
from core.submission.rows import scored_only
from core.submission.writer import check_submission_path, write_submission
from core.system.progress import Progress
from core.tasks.actions.inference.evaluate import evaluate_videos
from core.tasks.actions.inference.pair_model import PairModel
from core.tasks.actions.inference.pair_network import PairNetwork
from core.tasks.actions.settings import ActionsExperiment
from core.tasks.actions.words import in_words, listing_all
from core.tasks.loaded import LoadedCheckpoint
from core.tasks.predictor import HOW_TO_SKIP, Evaluation, PredictionOptions, Written
from core.tasks.videos import measurable


class ActionsPredictor:
    """The mean or blend of several checkpoints' probabilities, or the probabilities of one.

    Args:
        members: one or more; their actions are the same, their labs may differ.
    """

    accepts = frozenset({"table", "skip_bad", "tta", "rules", "actions"})
    blend: Blend | None = None
    """Makes one answer of those of all members; ``None``: their mean."""

    def __init__(self, members: Sequence[PairModel]) -> None:
        self._members = members

    @property
    def experiment(self) -> ActionsExperiment:
        """The settings of the first member."""
        return self._members[0].experiment

    def pair_probabilities(self, video: Video, tta: bool = False) -> PairProbabilities:
        """Read and predict one video; annotations are not read.

        Raises:
            DataError: its tracking is missing or damaged, or its scale is not known.
        """
        found: list[PairProbabilities] = []

        def predict(member: PairModel) -> NDArray[np.float32]:
            answer = member.pair_probabilities(video, tta)
            found[:] = found or [answer]
            return answer.values

        values = blended(self._members, predict, self.blend)
        (first,) = found
        rate = self.experiment.data.label_rates.get(video.lab_id, video.frames_per_second)
        if rate != video.frames_per_second:
            values = _counted_at(values, rate / video.frames_per_second)
        return dataclasses.replace(first, values=values)

    # ── as every task's predictor ─────────────────────────────────────────────────────────────

    def targets(self, output: Path) -> tuple[Path, ...]:
        """Return the submission; see :class:`~core.tasks.predictor.Predictor`."""
        check_submission_path(output)
        return (output,)

    def write(
        self,
        data: Path,
        output: Path,
        options: PredictionOptions,
        progress: Progress | None = None,
    ) -> Written:
        """Write a submission of the videos that list behaviours; others are left out.

        Where none does, as in poses that nobody labelled, all actions that the run learned are predicted.
        """
        lab_actions = self._lab_actions()
        videos, missing = _predictable(data, options.table, lab_actions)
        words = dict(options.actions)
        videos = [in_words(video, words) for video in videos]
        rules = options.rules or Rules.constant(self.experiment.training.threshold)
        bad: dict[str, str] = {}

        def found() -> Iterator[tuple[Video, Bouts, int]]:
            for done, video in enumerate(videos):
                if progress is not None:
                    progress(done, len(videos), "videos")
                try:
                    probabilities = self.pair_probabilities(video, options.tta)
                except DataError as error:
                    if not options.skip_bad:
                        raise DataError(f"{error}{HOW_TO_SKIP}") from error
                    bad[video.video_id] = str(error)
                    continue
                bouts = decide(scored_only(video, probabilities), rules)
                yield video, bouts, probabilities.frames
            if progress is not None:
                progress(len(videos), len(videos), "videos")

        written = write_submission(output, found(), lab_actions)
        reasons = Counter(each.reason for each in missing)
        notes = [f"{data}: {count} videos left out: {reason}" for reason, count in reasons.items()]
        if written.never_annotated:
            notes.append(
                f"{written.never_annotated} bouts left out: their lab's training annotations never have the"
                " action, so it could only cost points"
            )
        return Written(
            document=dataclasses.asdict(written),
            sentence=f"{output}: {written.rows:,} rows for {written.videos} videos",
            bad=bad,
            notes=tuple(notes),
        )

    def evaluate(
        self, data: Path, options: PredictionOptions, progress: Progress | None = None
    ) -> Evaluation:
        """Evaluate on every labelled video of a data folder whose files exist."""
        videos = measurable(data, options.table or "train")

        def counted() -> Iterator[Video]:
            for done, video in enumerate(videos):
                if progress is not None:
                    progress(done, len(videos), "videos")
                yield video
            if progress is not None:
                progress(len(videos), len(videos), "videos")

        def predict(video: Video) -> PairProbabilities:
            return self.pair_probabilities(video, options.tta)

        return evaluate_videos(predict, counted(), self.experiment.training.threshold, options)

    def validate(self, request: RunRequest, cache: Path, progress: Progress) -> Evaluation:
        """Measure on the validation videos of a run, whose labs are those of its one checkpoint."""
        if len(self._members) > 1:
            raise ConfigError(f"{request.run}: only one checkpoint can be validated at a time")
        return self._members[0].validate(request, cache, progress)

    def _lab_actions(self) -> LabActions:
        """Return the actions of each lab that any member was trained on."""
        found: dict[str, set[str]] = {}
        for member in self._members:
            for lab, actions in member.lab_actions.by_lab.items():
                found.setdefault(lab, set()).update(actions)
        return LabActions({lab: tuple(sorted(actions)) for lab, actions in found.items()})


def _counted_at(values: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Return ``(pairs, frames, actions)`` with every frame number multiplied by a factor.

    What moves beyond the end of the video is lost. With a factor below 1, the frames left over at the end
    repeat the last one.
    """
    frames = values.shape[1]
    source = np.floor(np.arange(frames) / factor + 0.5).astype(np.int64).clip(max=frames - 1)
    return values[:, source]


def predictor(members: Sequence[LoadedCheckpoint], device: torch.device) -> ActionsPredictor:
    """Return the predictor of some checkpoints; a checkpoint given twice counts twice.

    Raises:
        CheckpointError: one cannot be used.
    """
    models = {id(each): _model(each, device) for each in members}
    return ActionsPredictor([models[id(each)] for each in members])


def _model(loaded: LoadedCheckpoint, device: torch.device) -> PairModel:
    """Return a checkpoint's model. Boosted models belong to a higher layer, so they are found by name."""
    experiment = loaded.experiment
    if isinstance(experiment, ActionsExperiment) and experiment.model.name == "boost":
        model: PairModel = load_attribute("core.boosting.pair_model:BoostedPairs")(loaded)
        return model
    return PairNetwork(loaded, device)


def _predictable(
    root: Path, table: str | None, learned: LabActions
) -> tuple[list[Video], list[LeftOut]]:
    """Return the videos that list behaviours and have a tracking file, and all others with the reason.

    If no video lists any, each is taken to list all actions that were learned, of all its mice.

    Raises:
        DataError: not a data folder, or no video can be predicted.
    """
    if table is None:
        table = "test" if (root / "test.csv").is_file() else "train"
    found, left_out = [], []
    listed = read_videos(root, table)
    if not any(video.behaviors or video.malformed for video in listed):
        actions = sorted({action for each in learned.by_lab.values() for action in each})
        listed = [listing_all(video, actions) for video in listed]
    for video in listed:
        if not video.behaviors:
            left_out.append(LeftOut(video, "no behaviors_labeled, so there is nothing to predict"))
        elif not video.tracking_path.is_file():
            left_out.append(LeftOut(video, "no tracking file"))
        else:
            found.append(video)
    if not found:
        raise DataError(
            f"{root}: none of the {len(left_out)} videos in {table}.csv can be predicted"
            f" ({left_out[0].reason})"
        )
    return found, left_out
