"""Pairs of images → whether a relation holds: the task of stage1 to stage4."""

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.manifest import Remark
from core.frames.prefetch import ahead
from core.losses.distillation import shared
from core.run.request import RunRequest
from core.system.device import to_device
from core.system.progress import Progress
from core.tasks.pairs.augmentation import changed, changes_images, draw_maps
from core.tasks.pairs.batch import PairBatch
from core.tasks.pairs.data.prepared import PreparedPairs
from core.tasks.pairs.loss import pair_loss, teacher_loss
from core.tasks.pairs.measure import PairMeasure
from core.tasks.pairs.model import ImageSpec, build_pair_model
from core.tasks.pairs.predictions import predictions_table
from core.tasks.pairs.settings import LABELS, PairsExperiment
from core.tasks.pairs.spec import SPEC
from core.tasks.pairs.splitting import split_pairs
from core.tasks.pairs.teacher import TaughtPairs
from core.tasks.task import DataSummary, Loss
from core.tasks.teacher import Teacher

NAMED_UNITS = 50_000
"""Pairs that a run's request names one by one; of more, it keeps a hash."""


class PairsTask:
    """Learns whether a relation holds between two images.

    Args:
        experiment: what to learn.
        data: the pairs.
        device: where batches are to be.
        seed: of everything random about the batches.

    Raises:
        DataError: too few pairs.
        ConfigError: a loss of the user's own cannot be imported.
    """

    spec = SPEC

    def __init__(
        self, experiment: PairsExperiment, data: PreparedPairs, device: torch.device, seed: int
    ) -> None:
        self._experiment, self._data, self._device, self._seed = experiment, data, device, seed
        self._split = split_pairs(experiment.data, data.groups, data.parts[0].pairs)
        self._loss = pair_loss(experiment.training)
        self._taught: TaughtPairs | None = None
        self.monitor = experiment.training.monitor
        manifest = data.manifest
        self._spec = ImageSpec(*manifest.size, manifest.mean, manifest.deviation)
        self.summary = self._summarise()

    def steps_per_epoch(self) -> int:
        """Batches in one epoch; the last may be smaller."""
        return -(-len(self._split.train) // self._experiment.training.batch_size)

    def train_batches(self, epoch: int, skip: int = 0) -> Iterator[PairBatch]:
        """Return the batches of an epoch from number ``skip`` on."""
        order = np.random.default_rng((self._seed, epoch)).permutation(self._split.train)
        size = self._experiment.training.batch_size

        def batch(number: int) -> PairBatch:
            return self._train_batch(epoch, number, order[number * size : (number + 1) * size])

        workers = self._experiment.hardware.loader_workers
        return ahead(batch, range(skip, self.steps_per_epoch()), workers)

    def validation_batches(self) -> Iterator[PairBatch]:
        """Yield every validation pair once."""
        size = self._experiment.training.batch_size
        for begin in range(0, len(self._split.validation), size):
            rows = self._split.validation[begin : begin + size]
            yield self._batch(self._images(rows), rows, begin)

    def build_model(self) -> nn.Module:
        """Build the network, initialised from the torch random state."""
        return build_pair_model(self._experiment.model, self._spec)

    def input_table(self) -> dict[str, Any]:
        """Return the size of images, and the mean and deviation of their pixels."""
        return self._spec.table()

    def loss(self, output: Tensor, batch: PairBatch) -> Loss:
        """Compute the loss of a batch's logits ``(pairs,)``."""
        hard = self._loss(output, batch.targets)
        if batch.teacher is None:
            return hard
        training = self._experiment.training
        weight = training.focal_alpha if training.loss is None else 1.0
        soft = teacher_loss(output, batch.teacher, training.teacher_temperature, weight)
        return shared(hard, soft, training.teacher_share)

    def learn_from(
        self, teacher: Teacher, request: RunRequest, cache: Path, progress: Progress
    ) -> None:
        """Let batches carry what a teacher says of their pairs.

        Raises:
            UserError: it does not suit.
        """
        del request
        self._taught = TaughtPairs(self._data, self._split.train, teacher, cache, progress)

    def measure(self) -> PairMeasure:
        """Start measuring a pass over the validation pairs."""
        rows = self._split.validation
        return PairMeasure(lambda places: self._data.ids(rows[places]), len(rows), self._loss)

    def predict(self, output: Tensor, batch: PairBatch) -> pa.Table:
        """Return the probabilities of every validation pair in a batch."""
        rows = self._split.validation[batch.places.cpu().numpy()]
        return predictions_table(output, batch.targets, self._data.ids(rows))

    def state_dict(self) -> dict[str, Any]:
        """Return nothing but the kind: the images' size and scale are in the input table."""
        return {"kind": SPEC.name}

    # ── batches ───────────────────────────────────────────────────────────────────────────────

    def _train_batch(self, epoch: int, number: int, rows: NDArray[np.int64]) -> PairBatch:
        """Read some training pairs, and change them by what seed, epoch and number determine."""
        first, second = self._images(rows)
        targets = self._data.labels[rows].astype(np.float32)
        said = None if self._taught is None else self._taught.of(rows)
        augmentation = self._experiment.training.augmentation
        random = torch.Generator().manual_seed(_seed_of(self._seed, epoch, number))
        if augmentation.swap:
            exchanged = torch.rand(len(rows), generator=random) < augmentation.swap
            where = exchanged[:, None, None, None]
            first, second = torch.where(where, second, first), torch.where(where, first, second)
            if self._experiment.data.swapping == "opposite":
                turned = exchanged.numpy()
                targets = np.where(turned, 1 - targets, targets)
                said = None if said is None else np.where(turned, 1 - said, said)
        if changes_images(augmentation):
            one = draw_maps(augmentation, len(rows), random)
            other = one if augmentation.together else draw_maps(augmentation, len(rows), random)
            first, second = changed(first, one), changed(second, other)
        batch = self._batch((first, second), rows, 0, targets)
        if said is None:
            return batch
        return dataclasses.replace(batch, teacher=to_device(said, self._device))

    def _images(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Read both images of some pairs, ``(pairs, 1, height, width)`` each."""
        first, second = self._data.images(rows)
        return torch.from_numpy(first)[:, None], torch.from_numpy(second)[:, None]

    def _batch(
        self,
        images: tuple[Tensor, Tensor],
        rows: NDArray[np.int64],
        begin: int,
        targets: NDArray[np.float32] | None = None,
    ) -> PairBatch:
        if targets is None:
            targets = self._data.labels[rows].astype(np.float32)
        first, second = (to_device(each.numpy(), self._device) for each in images)
        return PairBatch(
            inputs=(first, second),
            targets=to_device(targets, self._device),
            places=torch.arange(begin, begin + len(rows), device=self._device),
        )

    # ── what was found ────────────────────────────────────────────────────────────────────────

    def _summarise(self) -> DataSummary:
        data, split = self._data, self._split
        height, width = data.manifest.size
        return DataSummary(
            fingerprint=data.manifest.fingerprint,
            train_units=self._units(split.train),
            validation_units=self._units(split.validation),
            unit_counts=(len(split.train), len(split.validation)),
            train_examples=len(split.train),
            validation_examples=len(split.validation),
            train_samples=len(split.train),
            train_label_examples=_by_label(data.labels[split.train]),
            validation_label_examples=_by_label(data.labels[split.validation]),
            input_size=2 * height * width,
            validation_source=self._source(),
            warnings=(*data.remarks, *split.remarks, *_one_sided(data.labels[split.train])),
        )

    def _units(self, rows: NDArray[np.int64]) -> tuple[str, ...]:
        """Name the pairs; of very many, return one name that only the same pairs have."""
        if len(rows) <= NAMED_UNITS:
            return tuple(self._data.ids(rows))
        digest = hashlib.sha256(np.ascontiguousarray(rows).data).hexdigest()[:16]
        return (f"{len(rows)} pairs {digest}",)

    def _source(self) -> str | None:
        """Return what is the same only for the same validation pairs."""
        config, manifest = self._experiment.data, self._data.manifest
        if config.folds is None and manifest.validation_content is not None:
            return manifest.validation_content if config.validates else None
        parts = (config.split_seed, config.validation_fraction, config.folds, config.fold)
        return f"{manifest.fingerprint}-{parts}"


def _seed_of(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _by_label(labels: NDArray[np.uint8]) -> dict[str, int]:
    counts = np.bincount(labels, minlength=len(LABELS)).tolist()
    return dict(zip(LABELS, counts, strict=True))


def _one_sided(labels: NDArray[np.uint8]) -> tuple[Remark, ...]:
    if len(np.unique(labels)) > 1:
        return ()
    found = LABELS[int(labels[0])] if len(labels) else "none"
    return (Remark("one_label", f"all training pairs are {found}: there is nothing to tell apart"),)
