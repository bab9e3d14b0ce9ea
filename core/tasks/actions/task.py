"""Every action of every mouse, alone and towards each other mouse: the task of v8."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

from core.data.competition import read_videos
from core.data.manifest import Remark, source_fingerprint
from core.data.prepared import PreparedData
from core.errors import ConfigError, DataError
from core.features.pair_columns import FEATURES, SELF_FEATURES
from core.features.standardise import FeatureStatistics, Moments
from core.frames.prefetch import ahead
from core.losses.distillation import shared
from core.losses.multilabel import MultilabelLoss
from core.models.chunking import like_training, plan
from core.run.request import RunRequest
from core.system.progress import Progress
from core.tasks.actions.augmentation import Augmentation
from core.tasks.actions.batch import ActionBatch
from core.tasks.actions.chosen import ChosenVideos
from core.tasks.actions.decisions import own_probabilities
from core.tasks.actions.measure import ActionMeasure
from core.tasks.actions.model import KIND, build_network, input_table
from core.tasks.actions.pair_rows import PairRows
from core.tasks.actions.predictions import window_table
from core.tasks.actions.pseudo_labels import SoftWindows, UnlabelledVideos, usable
from core.tasks.actions.reader import RowReader
from core.tasks.actions.sampling import WindowSampler
from core.tasks.actions.settings import (
    ActionsAugmentationConfig,
    ActionsExperiment,
)
from core.tasks.actions.soft_rows import PredictsPairs, SoftRows, answers_of
from core.tasks.actions.source import root_of
from core.tasks.actions.spec import SPEC, labels
from core.tasks.actions.subjects import Vocabulary
from core.tasks.predictor import Predictor
from core.tasks.soft_labels import folder_of
from core.tasks.task import DataSummary, Loss
from core.tasks.teacher import Teacher

FITTED_WINDOWS = 256
"""Training windows from which the means and standard deviations of features are computed."""
FITTED_AT_ONCE = 32


class ActionsTask:
    """Learns the actions of mice and of ordered pairs from windows at one frame rate.

    Batches are made from the memory map of the prepared positions. Besides it, only a few numbers per video,
    pair and bout are kept in memory.

    Args:
        experiment: what to learn.
        data: the videos, prepared with 4 mice and 18 keypoints.
        sexes: video id → the sexes of its mice 1, 2 and so on; videos may be absent.
        device: device of the batches.
        seed: seed of everything random about the batches.

    Raises:
        DataError: too few videos, another layout, or nothing to learn.
    """

    spec = SPEC

    def __init__(
        self,
        experiment: ActionsExperiment,
        data: PreparedData,
        sexes: Mapping[str, Sequence[str]],
        device: torch.device,
        seed: int,
    ) -> None:
        self._experiment, self._device, self._seed = experiment, device, seed
        self._data, self._actions = data, labels(experiment)
        self._taught: SoftRows | None = None
        self._soft: SoftWindows | None = None
        chosen = ChosenVideos.of(experiment, data)
        self._lab_actions = chosen.lab_actions()
        self._videos = [data.videos[video] for video in chosen.validation_rows.video]
        labs = sorted({data.videos[video].lab_id for video in chosen.train})
        self._vocabulary = Vocabulary(tuple(labs))
        config = experiment.data
        self._train = self._reader(chosen.train_rows, data, sexes)
        self._validation = self._reader(chosen.validation_rows, data, sexes)
        lab_of = {lab: number for number, lab in enumerate(labs)}
        numbers = [lab_of[data.videos[video].lab_id] for video in chosen.train_rows.video]
        self._sampler = WindowSampler(
            chosen.train_rows,
            np.array(numbers, np.int64),
            self._train.frames,
            self._train.ratio,
            config.window,
            experiment.training.positive_share,
            experiment.training.augmentation.time_stretch,
            seed,
        )
        self._validation_windows = [
            (row, chunk)
            for row, frames in enumerate(self._validation.timeline)
            for chunk in plan(frames, like_training(config.window))
        ]
        asked = experiment.training.windows_per_epoch
        self._windows = asked or max(1, round(self._sampler.timeline_frames / config.window))
        self._statistics = self._fitted()
        self._loss = MultilabelLoss(
            experiment.training.focal_gamma, mean_of_labels=experiment.training.even_labs
        )
        self.monitor = experiment.training.monitor
        self.summary = self._summarise(chosen)
        if config.validates and not self.summary.validation_examples:
            raise DataError(
                f"{data.folder}: no tracked pair to validate on in {len(chosen.validation)} videos;"
                " choose others with data.validation_videos or data.split_seed"
            )

    def steps_per_epoch(self) -> int:
        """Return the number of batches, the same in every epoch; the last may be smaller."""
        hard = -(-self._windows // self._experiment.training.batch_size)
        return hard if self._soft is None else hard + self._soft.spread.count

    def train_batches(self, epoch: int, skip: int = 0) -> Iterator[ActionBatch]:
        """Return the batches of an epoch from number ``skip`` on."""
        numbers = range(skip, self.steps_per_epoch())
        depth = self._experiment.hardware.loader_workers
        if (soft := self._soft) is None:
            return ahead(lambda number: self._train_batch(epoch, number), numbers, depth)

        def batch(number: int) -> ActionBatch:
            is_soft, place = soft.spread.place(number)
            return soft.batch(epoch, place) if is_soft else self._train_batch(epoch, place)

        return ahead(batch, numbers, depth)

    def learn_pseudo_labels(
        self, predictor: Predictor, key: str, request: RunRequest, cache: Path, progress: Progress
    ) -> None:
        """Learn from predictions on the unlabelled videos of the run's data folder, too.

        Actions that a video does not list in ``behaviors_labeled`` stay masked.

        Raises:
            UserError: there is no such video, or the predictor does not suit.
        """
        if not isinstance(predictor, PredictsPairs):
            raise ConfigError("training.pseudo_labels: takes a run of the same task")
        videos = UnlabelledVideos.of(usable(self._experiment, request.data), cache, progress)
        self._soft = SoftWindows(
            self._experiment,
            videos,
            predictor,
            key,
            self._actions,
            self._vocabulary,
            self.steps_per_epoch(),
            cache,
            self._device,
            self._seed,
            progress,
        )
        said = Remark(
            "pseudo_labels",
            f"{len(videos.videos)} unlabelled videos count with labels that"
            f" {self._experiment.training.pseudo_labels} predicts",
        )
        self.summary = dataclasses.replace(self.summary, warnings=(*self.summary.warnings, said))

    def validation_batches(self) -> Iterator[ActionBatch]:
        """Return batches of all validation rows; every frame counts in exactly one window."""
        size = self._experiment.training.batch_size
        starts = range(0, len(self._validation_windows), size)
        depth = self._experiment.hardware.loader_workers
        return ahead(lambda start: self._validation_batch(start, size), starts, depth)

    def build_model(self) -> nn.Module:
        """Build the network, initialised from torch's random state."""
        return build_network(self._experiment.model, self.input_table())

    def input_table(self) -> dict[str, Any]:
        """Return the shape of the model's input and output."""
        return input_table(self._actions, self._vocabulary.categories, self._statistics)

    def loss(self, output: Tensor, batch: ActionBatch) -> Loss:
        """Compute the loss of a batch's logits ``(rows, time, actions)``."""
        hard = self._loss(output, batch.targets, batch.mask, batch.weights)
        if batch.teacher is None:
            return hard
        training = self._experiment.training
        temperature, share = training.teacher_temperature, training.teacher_share
        said = batch.teacher, batch.mask, batch.weights
        return shared(hard, self._loss.of_teacher(output, *said, temperature), share)

    def learn_from(
        self, teacher: Teacher, request: RunRequest, cache: Path, progress: Progress
    ) -> None:
        """Let batches carry what a teacher says of their frames.

        Raises:
            UserError: it does not suit.
        """
        root, data = root_of(self._experiment, request.data, cache, progress), self._data
        self._taught = SoftRows(
            self._train.rows,
            [data.videos[video] for video in self._train.rows.video],
            answers_of(teacher, data.videos, read_videos(root)),
            folder_of(
                cache,
                "teacher",
                teacher.key,
                self.summary.fingerprint,
                *self._actions,
                *self.summary.train_units,
            ),
            progress,
            "videos shown to the teacher",
        )

    def measure(self) -> ActionMeasure:
        """Start measuring a pass over the validation frames."""
        return ActionMeasure(
            self._validation.rows,
            self._videos,
            self._experiment.data.frames_per_second,
            self._experiment.training.threshold,
            self.loss,
        )

    def predict(self, output: Tensor, batch: ActionBatch) -> pa.Table:
        """Return a table of the probabilities for the videos' own frames that a batch answers.

        Raises:
            TypeError: it is a training batch.
        """
        if batch.row is None:
            raise TypeError("only batches of validation_batches() can be predicted")
        values = output.sigmoid().nan_to_num_(0.0).cpu().numpy()
        rows, tables = self._validation.rows, []
        for row, chunk, answers in zip(batch.row.tolist(), batch.chunks, values, strict=True):
            video, ratio = self._videos[row], float(self._validation.ratio[row])
            found = own_probabilities(answers, chunk, video.frames, ratio)
            tables.append(window_table(rows, row, video, *found))
        return pa.concat_tables(tables)

    def state_dict(self) -> dict[str, Any]:
        """Return what prediction needs in addition to the weights and the experiment."""
        return {
            "kind": KIND,
            "labs": list(self._vocabulary.labs),
            "actions": list(self._actions),
            "lab_actions": self._lab_actions,
        }

    # ── batches ───────────────────────────────────────────────────────────────────────────────

    def _fitted(self) -> FeatureStatistics:
        """Return the statistics of the features of unchanged training windows."""
        unchanged = ActionsAugmentationConfig()
        moments: Moments | None = None
        for number in range(FITTED_WINDOWS // FITTED_AT_ONCE):
            windows = self._sampler.draw(0, number, FITTED_AT_ONCE)
            changes = Augmentation.draw(unchanged, self._seed, 0, number, FITTED_AT_ONCE)
            batch = self._train.training(windows, changes)
            features = batch.inputs["features"]
            features[~batch.inputs["is_pair"], :, SELF_FEATURES:] = torch.nan
            found = Moments.of(features[batch.weights > 0])
            moments = found if moments is None else moments.merged(found)
        assert moments is not None
        return moments.statistics()

    def _train_batch(self, epoch: int, number: int) -> ActionBatch:
        config = self._experiment.training
        count = min(config.batch_size, self._windows - number * config.batch_size)
        windows = self._sampler.draw(epoch, number, count)
        changes = Augmentation.draw(config.augmentation, self._seed, epoch, number, count)
        return self._train.training(windows, changes, self._taught)

    def _validation_batch(self, start: int, size: int) -> ActionBatch:
        rows, chunks = zip(*self._validation_windows[start : start + size], strict=True)
        return self._validation.validation(np.array(rows, np.int64), chunks)

    def _reader(
        self, rows: PairRows, data: PreparedData, sexes: Mapping[str, Sequence[str]]
    ) -> RowReader:
        config = self._experiment.data
        rate, window = config.frames_per_second, config.window
        return RowReader(data, rows, self._vocabulary, sexes, rate, window, self._device)

    def _summarise(self, chosen: ChosenVideos) -> DataSummary:
        train = chosen.train_rows
        return DataSummary(
            fingerprint=chosen.data.fingerprint,
            train_units=chosen.units(chosen.train),
            validation_units=chosen.units(chosen.validation),
            train_examples=chosen.examples(train),
            validation_examples=chosen.examples(chosen.validation_rows),
            train_samples=self._windows,
            train_label_examples=chosen.label_frames(train),
            validation_label_examples=chosen.label_frames(chosen.validation_rows),
            input_size=FEATURES,
            validation_source=source_fingerprint(chosen.data.videos[v] for v in chosen.validation),
            warnings=chosen.remarks,
        )
