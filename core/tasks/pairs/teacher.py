"""What a teacher says of the training pairs."""

import hashlib
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import ConfigError
from core.evaluation.predictions import UNIT
from core.system.progress import Progress
from core.tasks.pairs.data.prepared import PreparedPairs
from core.tasks.pairs.settings import LABELS
from core.tasks.soft_labels import folder_of, soft_labels
from core.tasks.teacher import Teacher

PAIRS_AT_ONCE = 1024
POSITIVE = 1


@runtime_checkable
class PredictsImages(Protocol):
    """What is needed of this task's predictor."""

    def probabilities(self, images: tuple[Tensor, Tensor]) -> Tensor:
        """Return the probability of each label, ``(pairs, 2)``."""
        ...


class TaughtPairs:
    """A teacher's probability that the relation holds, of every training pair as the data have it.

    Args:
        data: the pairs.
        train: ``(pairs,)`` the rows of the training pairs.
        teacher: gives the probabilities.
        cache: where the answers are kept.
        progress: called with (done, total, what).

    Raises:
        ConfigError: the teacher is of another task.
    """

    def __init__(
        self,
        data: PreparedPairs,
        train: NDArray[np.int64],
        teacher: Teacher,
        cache: Path,
        progress: Progress,
    ) -> None:
        rows = np.sort(train)
        blocks = np.split(rows, range(PAIRS_AT_ONCE, len(rows), PAIRS_AT_ONCE))
        asked = _PairAnswers(data, teacher)
        names = [f"pairs {block[0]} to {block[-1]}" for block in blocks]
        which = hashlib.sha256(rows.tobytes()).hexdigest()
        folder = folder_of(cache, "teacher", teacher.key, data.manifest.fingerprint, which)
        said = soft_labels(
            folder, names, 1, lambda place: asked.about(blocks[place]), progress, "blocks of pairs"
        )
        self._positive = np.full(len(data.labels), np.nan, np.float32)
        self._positive[rows] = said.values[:, 0].numpy()

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the probability of the positive label, ``(pairs,)``, of some training pairs."""
        return self._positive[rows]


class _PairAnswers:
    """Asks a teacher about one block of pairs after the other; it is loaded once it is needed."""

    def __init__(self, data: PreparedPairs, teacher: Teacher) -> None:
        self._data, self._teacher = data, teacher
        self._predictor: PredictsImages | None = None
        self._kept: dict[str, float] = {}
        if teacher.kept is not None:
            kept = teacher.kept.whole()
            positive = kept.probabilities[:, kept.labels.index(LABELS[POSITIVE])]
            units = kept.examples[UNIT].to_pylist()
            self._kept = dict(zip(units, positive.tolist(), strict=True))

    def about(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return ``(pairs,)``."""
        ids = self._data.ids(rows)
        found = np.array([self._kept.get(each, np.nan) for each in ids], np.float32)
        left = np.flatnonzero(np.isnan(found))
        if len(left):
            images = (torch.from_numpy(each)[:, None] for each in self._data.images(rows[left]))
            first, second = images
            said = self._loaded().probabilities((first, second))
            found[left] = said[:, POSITIVE].cpu().numpy()
        return found

    def _loaded(self) -> PredictsImages:
        if self._predictor is None:
            predictor = self._teacher.load()
            if not isinstance(predictor, PredictsImages):
                raise ConfigError(f"training.teacher: {self._teacher.name} is of another task")
            self._predictor = predictor
        return self._predictor
