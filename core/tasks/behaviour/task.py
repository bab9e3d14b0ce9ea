"""Frames → classes: the task of v1 to v7."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

from core.data.manifest import Remark, named
from core.data.prepared import PreparedData
from core.features.pipeline import FeaturePipeline, require_scale
from core.frames.balance import Shares, balanced_shares, window_class_frames
from core.frames.batch import FrameBatch
from core.frames.prefetch import ahead
from core.frames.reader import ComputedFeatures, FeatureReader, read_targets, training_features
from core.frames.sampling import EpochPlan, NoisePool, random_phases
from core.frames.store import FrameStore
from core.frames.windows import (
    WindowIndex,
    phased_windows,
    training_windows,
    validation_windows,
)
from core.losses.distillation import shared
from core.models.build import build_model
from core.models.input_spec import InputSpec
from core.run.request import RunRequest
from core.system.device import to_device
from core.system.progress import Progress
from core.tasks.behaviour.labelled_frames import LabelledFrames
from core.tasks.behaviour.measure import FrameMeasure, frame_loss
from core.tasks.behaviour.predictions import predictions_table
from core.tasks.behaviour.pseudo_labels import predict_unlabelled
from core.tasks.behaviour.settings import BehaviourExperiment
from core.tasks.behaviour.soft_batches import SoftBatches
from core.tasks.behaviour.source import root_of
from core.tasks.behaviour.spec import SPEC
from core.tasks.behaviour.teacher import TaughtFrames
from core.tasks.predictor import Predictor
from core.tasks.task import DataSummary, Loss
from core.tasks.teacher import Teacher


class BehaviourTask:
    """Learns one class a frame, whoever acts on whom, from windows of prepared videos.

    Building it splits and labels the videos and fits the feature statistics on the training split.
    Batches share their memory: one is valid until the next is asked for, and one epoch's batches until
    another's are begun.

    Args:
        experiment: what to learn.
        data: the frames, prepared with the experiment's mice and keypoints.
        device: where batches are to be.
        seed: of everything random about the batches.

    Raises:
        DataError: too few videos, another layout, or no scale where centimetres are asked for.
        ConfigError: the action map names a class that does not exist.
    """

    spec = SPEC

    def __init__(
        self, experiment: BehaviourExperiment, data: PreparedData, device: torch.device, seed: int
    ) -> None:
        self._experiment, self._device, self._seed = experiment, device, seed
        frames = LabelledFrames.of(experiment, data)
        self._store = FrameStore.of_prepared(data).to(device)
        require_scale(experiment.features, self._store, frames.validation)
        self._pipeline = FeaturePipeline.fit(
            experiment.features, self._store, frames.train, device, data.slots
        )
        window, stride = experiment.data.window, experiment.data.stride
        self._phased = experiment.data.phase == "random"
        self._classes = torch.from_numpy(frames.classes).to(device)
        self._train_features = training_features(self._store, self._pipeline, frames.train)
        self._validation_features = ComputedFeatures(self._store, self._pipeline)
        frames_of = self._store.frames
        cut = phased_windows if self._phased else training_windows
        self._train = cut(frames.train, frames_of, window, stride)
        self._validation = validation_windows(frames.validation, frames_of, window)
        self._validation_place = np.zeros(len(frames_of), np.int64)
        self._validation_place[list(frames.validation)] = np.arange(len(frames.validation))
        self._slots = data.slots
        self._loss = frame_loss(experiment.training, device)
        self._labels = frames.classes
        self._buffers: list[Tensor] = []
        self._soft: SoftBatches | None = None
        self._taught: TaughtFrames | None = None
        self._train_videos = frames.train
        self.monitor = experiment.training.monitor
        self.summary = self._summarise(frames)
        self.input_spec = InputSpec(
            features=self._pipeline.features,
            outputs=len(experiment.classes),
            mice=self._pipeline.mice,
            keypoints=self._pipeline.keypoints,
            blocks=self._pipeline.blocks,
        )

    def steps_per_epoch(self) -> int:
        """Batches in one epoch, the same in all; the last may be smaller."""
        hard = -(-len(self._train) // self._experiment.training.batch_size)
        return hard if self._soft is None else hard + self._soft.spread.count

    def train_batches(self, epoch: int, skip: int = 0) -> Iterator[FrameBatch]:
        """Return the batches of an epoch from number ``skip`` on."""
        augmentation = self._experiment.training.augmentation
        windows = self._windows_of(epoch)
        shares = self._balanced_shares(windows)
        plan = EpochPlan.draw(self._seed, epoch, len(windows), augmentation.jitter_frames, shares)
        noise = None
        if augmentation.noise_std:
            std = self._pipeline.fitted.positions.std * augmentation.noise_std
            noise = NoisePool(self._seed, epoch, std)
        self._train_features.begin(noise)
        numbers = range(skip, self.steps_per_epoch())
        depth = self._experiment.hardware.loader_workers
        if (soft := self._soft) is None:
            return ahead(lambda number: self._train_batch(windows, plan, number), numbers, depth)
        order = soft.order(self._seed, epoch)

        def batch(number: int) -> FrameBatch:
            is_soft, place = soft.spread.place(number)
            if is_soft:
                return soft.batch(order, place, self._buffer(number), self._device)
            return self._train_batch(windows, plan, place, self._buffer(number))

        return ahead(batch, numbers, depth)

    def learn_pseudo_labels(
        self, predictor: Predictor, key: str, request: RunRequest, cache: Path, progress: Progress
    ) -> None:
        """Learn from predictions on the unlabelled videos of the run's data folder, too.

        Raises:
            UserError: there is none, or the predictor does not suit.
        """
        experiment, root = self._experiment, None if request.data is None else Path(request.data)
        labels = predict_unlabelled(experiment, root, predictor, key, cache, progress)
        store = labels.store
        require_scale(experiment.features, store, range(len(store.frames)))
        self._soft = SoftBatches(
            labels,
            self._pipeline,
            window=experiment.data.window,
            stride=experiment.data.stride,
            size=experiment.training.batch_size,
            hard=self.steps_per_epoch(),
            share=experiment.training.pseudo_share,
        )
        without = f"; damaged and left out: {named(labels.skipped)}" if labels.skipped else ""
        said = Remark(
            "pseudo_labels",
            f"{len(store.frames)} unlabelled videos ({int(store.frames.sum()):,} frames) count with labels"
            f" that {experiment.training.pseudo_labels} predicts{without}",
        )
        self.summary = dataclasses.replace(self.summary, warnings=(*self.summary.warnings, said))

    def learn_from(
        self, teacher: Teacher, request: RunRequest, cache: Path, progress: Progress
    ) -> None:
        """Let batches carry what a teacher says of their frames.

        Raises:
            UserError: it does not suit.
        """
        experiment = self._experiment
        self._taught = TaughtFrames(
            self._store,
            self._train_videos,
            experiment.classes,
            teacher,
            root_of(experiment, request.data, cache, progress),
            self.summary.fingerprint,
            cache,
            progress,
        )

    def validation_batches(self) -> Iterator[FrameBatch]:
        """Return every validation frame once, with weight 0 on frames that are repeated."""
        size = self._experiment.training.batch_size
        for begin in range(0, len(self._validation), size):
            index = self._validation[begin : begin + size]
            batch = self._batch(self._validation_features, index, self._buffer(0))
            batch.videos = to_device(self._validation_place[index.video], self._device)
            batch.starts = to_device(index.start, self._device)
            yield batch

    def build_model(self) -> nn.Module:
        """Build the network, initialised from the torch random state."""
        return build_model(self._experiment.model, self.input_spec)

    def input_table(self) -> dict[str, Any]:
        """Return the shape of the model's input and output."""
        return self.input_spec.table()

    def loss(self, output: Tensor, batch: FrameBatch) -> Loss:
        """Compute the loss of a batch's logits ``(batch, time, classes)``."""
        hard = self._loss.of_batch(output, batch)
        if batch.teacher is None:
            return hard
        training = self._experiment.training
        temperature, share = training.teacher_temperature, training.teacher_share
        soft = self._loss.of_teacher(output, batch.teacher, batch.weights, temperature)
        return shared(hard, soft, share)

    def measure(self) -> FrameMeasure:
        """Start measuring a pass over the validation frames."""
        videos = self.summary.validation_units
        return FrameMeasure(self._experiment.classes, videos, self.loss, self._device)

    def predict(self, output: Tensor, batch: FrameBatch) -> pa.Table:
        """Return the probabilities of every validation frame in a batch."""
        videos = self.summary.validation_units
        return predictions_table(output, batch, videos, self._experiment.classes)

    def state_dict(self) -> dict[str, Any]:
        """Return what prediction needs besides the weights and the experiment."""
        return {
            "kind": "behaviour",
            "slots": list(self._slots),
            "features": self._pipeline.state_dict(),
        }

    # ── batches ───────────────────────────────────────────────────────────────────────────────

    def _windows_of(self, epoch: int) -> WindowIndex:
        """Return the training windows as they lie in an epoch."""
        if not self._phased:
            return self._train
        frames_of = self._store.frames
        stride = self._experiment.data.stride
        phases = random_phases(self._seed, epoch, len(frames_of), stride)
        return self._train.moved(frames_of, phases[self._train.video])

    def _train_batch(
        self, windows: WindowIndex, plan: EpochPlan, number: int, memory: Tensor | None = None
    ) -> FrameBatch:
        size = self._experiment.training.batch_size
        part = slice(number * size, (number + 1) * size)
        index = windows[plan.order[part]].moved(self._store.frames, plan.jitter[part])
        memory = self._buffer(number) if memory is None else memory
        batch = self._batch(self._train_features, index, memory)
        if self._taught is not None:
            batch.teacher = self._taught.read(index).to(self._device)
        return self._mixed_up(batch, plan, number)

    def _batch(self, features: FeatureReader, index: WindowIndex, memory: Tensor) -> FrameBatch:
        inputs = memory[: len(index)]
        features.read(index, inputs)
        return FrameBatch(
            inputs=inputs,
            targets=read_targets(self._store, self._classes, index),
            weights=to_device(index.weights(), self._device),
            examples=index.frames,
        )

    def _mixed_up(self, batch: FrameBatch, plan: EpochPlan, number: int) -> FrameBatch:
        """Mix each window of a batch with another of it, where mixup is on."""
        alpha = self._experiment.training.mixup_alpha
        if not alpha:
            return batch
        order, share = plan.mixup(number, batch.size, alpha)
        partner = to_device(order, self._device)
        batch.mixed = batch.targets[partner], batch.inputs.new_full((), share)
        batch.weights *= batch.weights[partner]
        batch.inputs.lerp_(batch.inputs[partner], 1 - share)
        if batch.teacher is not None:
            batch.teacher = batch.teacher.lerp(batch.teacher[partner], 1 - share)
        return batch

    def _buffer(self, number: int) -> Tensor:
        """Return the memory for a batch: one more than can be made ahead, in turn."""
        if not self._buffers:
            count = self._experiment.hardware.loader_workers + 1
            size, length = self._experiment.training.batch_size, self._experiment.data.window
            shape = (size, length, self._pipeline.features)
            self._buffers = [torch.empty(shape, device=self._device) for _ in range(count)]
        return self._buffers[number % len(self._buffers)]

    def _balanced_shares(self, windows: WindowIndex) -> Shares | None:
        """Return the share of an epoch's draws that each window gets; none where all are alike."""
        strength = self._experiment.training.balanced_sampling
        if not strength:
            return None
        counts = window_class_frames(
            windows, self._store.offsets, self._labels, len(self._experiment.classes)
        )
        return balanced_shares(counts, strength)

    def _summarise(self, frames: LabelledFrames) -> DataSummary:
        names = self._experiment.classes
        return DataSummary(
            fingerprint=frames.data.fingerprint,
            train_units=frames.ids(frames.train),
            validation_units=frames.ids(frames.validation),
            train_examples=frames.frames(frames.train),
            validation_examples=frames.frames(frames.validation),
            train_samples=len(self._train),
            train_label_examples=frames.class_frames(frames.train, names),
            validation_label_examples=frames.class_frames(frames.validation, names),
            input_size=self._pipeline.features,
            features_by=self._pipeline.computed_by,
            validation_source=frames.source(frames.validation),
            warnings=frames.warnings(self._experiment),
        )
