"""The training side of the pairs task: data, batches, model, loss and metric."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

from core.data.split import split_videos
from core.evaluation.rows import TOTAL, WEIGHT, Rows
from core.evaluation.table import rows_table
from core.run.request import RunRequest
from core.system.progress import Progress
from core.system.tree import Rows as Slice
from core.system.tree import take
from core.tasks.task import DataSummary, Loss
from tests.toy.pairs import LABEL, SPEC, PairsExperiment

PIXELS = 16


@dataclass(frozen=True, slots=True)
class PairBatch:
    """A batch of pairs."""

    inputs: tuple[Tensor, Tensor]
    """Shape ``(pairs, pixels)`` each."""
    targets: Tensor
    """Shape ``(pairs,)``."""
    scenes: Tensor
    """Shape ``(pairs,)``, int64: indices of validation scenes."""

    @property
    def size(self) -> int:
        return len(self.targets)

    examples = size

    def take(self, rows: Slice) -> Self:
        return type(self)(take(self.inputs, rows), self.targets[rows], self.scenes[rows])


class PairModel(nn.Module):
    """An encoder for both images; dropout reveals a resume that loses its random state."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(PIXELS, 8), nn.Tanh(), nn.Dropout(0.1))
        self.head = nn.Linear(8, 1)

    def forward(self, inputs: tuple[Tensor, Tensor]) -> Tensor:
        first, second = (self.encoder(image) for image in inputs)
        brighter: Tensor = self.head(second - first).squeeze(1)
        return brighter


class PairMeasure:
    """Sums the absolute and the squared error of each scene."""

    def __init__(self, scenes: tuple[str, ...]) -> None:
        self._scenes, self._squares = scenes, 0.0
        self._counts = np.zeros((len(scenes), 1, 5))

    def update(self, output: Tensor, batch: PairBatch) -> None:
        error = (output - batch.targets).double().cpu().numpy()
        self._squares += float((error**2).sum())
        for column, values in ((TOTAL, abs(error)), (WEIGHT, np.ones_like(error))):
            np.add.at(self._counts[:, 0, column], batch.scenes.cpu().numpy(), values)

    def metrics(self) -> dict[str, float]:
        total, weight = self._counts.sum(axis=(0, 1))[[TOTAL, WEIGHT]]
        return {"mae": total / weight, "loss": self._squares / weight}

    def table(self) -> pa.Table:
        return rows_table(Rows(self._scenes, (LABEL,), self._counts))

    def confusion(self) -> None:
        return None


class PairsTask:
    """Learns from pairs that are drawn when it is built."""

    spec = SPEC

    def __init__(self, experiment: PairsExperiment, device: torch.device, seed: int) -> None:
        data, self._size, self._seed = experiment.data, experiment.training.batch_size, seed
        self._device, self.monitor = device, experiment.training.monitor
        names = [f"scene-{number}" for number in range(data.scenes)]
        train, validation = split_videos(names, data.validation_fraction, data.split_seed)
        self._train, self._validation = (
            _drawn([names.index(each) for each in part], data.pairs_per_scene, data.seed, device)
            for part in (train, validation)
        )
        self.summary = DataSummary(
            fingerprint=f"{data.scenes}-{data.pairs_per_scene}-{data.seed}",
            train_units=tuple(train),
            validation_units=tuple(validation),
            train_examples=self._train.size,
            validation_examples=self._validation.size,
            train_samples=self._train.size,
            train_label_examples={LABEL: self._train.size},
            validation_label_examples={LABEL: self._validation.size},
            input_size=2 * PIXELS,
            validation_source=f"{data.seed}-{'-'.join(validation)}",
        )

    def steps_per_epoch(self) -> int:
        return -(-self._train.size // self._size)

    def train_batches(self, epoch: int, skip: int = 0) -> Iterator[PairBatch]:
        seed = np.random.SeedSequence((self._seed, epoch)).generate_state(1)[0]
        order = torch.randperm(
            self._train.size, generator=torch.Generator().manual_seed(int(seed))
        ).to(self._device)
        for number in range(skip, self.steps_per_epoch()):
            yield self._train.take(order[number * self._size : (number + 1) * self._size])

    def validation_batches(self) -> Iterator[PairBatch]:
        for begin in range(0, self._validation.size, self._size):
            yield self._validation.take(slice(begin, begin + self._size))

    def build_model(self) -> nn.Module:
        return PairModel()

    def input_table(self) -> dict[str, Any]:
        return {"pixels": PIXELS}

    def loss(self, output: Tensor, batch: PairBatch) -> Loss:
        squares = (output - batch.targets) ** 2
        return Loss(total=squares.sum(), weight=torch.ones_like(squares).sum())

    def measure(self) -> PairMeasure:
        return PairMeasure(self.summary.validation_units)

    def predict(self, output: Tensor, batch: PairBatch) -> pa.Table:
        scenes = [self.summary.validation_units[place] for place in batch.scenes.tolist()]
        values = {"label": batch.targets, "prediction": output}
        return pa.table({"unit": scenes} | {key: v.cpu().numpy() for key, v in values.items()})

    def state_dict(self) -> dict[str, Any]:
        return {"kind": SPEC.name}


def _drawn(scenes: list[int], count: int, seed: int, device: torch.device) -> PairBatch:
    """Draw the pairs of some scenes; each scene depends only on its number and the seed."""
    parts = []
    for scene in scenes:
        generator = torch.Generator().manual_seed(1000 * seed + scene)
        first = torch.rand(count, PIXELS, generator=generator)
        brighter = torch.rand(count, generator=generator) - 0.5
        second = first.roll(1, dims=1) + brighter[:, None]
        parts.append((first, second, brighter))
    first, second, brighter = (torch.cat(part).to(device) for part in zip(*parts, strict=True))
    places = torch.arange(len(scenes), device=device).repeat_interleave(count)
    return PairBatch((first, second), brighter, places)


def build(request: RunRequest, cache: Path, device: torch.device, progress: Progress) -> PairsTask:
    """Build the task; see :class:`core.config.task_spec.TaskSpec`."""
    del cache
    progress(0, 0, "drawing pairs")
    assert isinstance(request.experiment, PairsExperiment)
    return PairsTask(request.experiment, device, request.seed)
