"""The data that rules are fitted on: out-of-fold probabilities of sequences, with their labels."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import DataError
from core.postprocess.rules import KeyRule, Rules
from core.postprocess.smoothing import Floats
from core.system.progress import Progress

Key = tuple[str, str]
"""Lab and label."""
MOST_FOLDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class KeptSequence:
    """One video, or one (agent, target) of a video: probabilities from models that have not seen it.

    Raises:
        ValueError: the shapes do not match.
    """

    unit: str
    """Name of the video: sequences of one video share its fold."""
    fold: int
    lab: str
    """Empty where the task has none."""
    labels: tuple[str, ...]
    values: Floats
    """``(frames, labels)``; NaN counts as 0."""
    truth: npt.NDArray[np.bool_]
    """``(frames, labels)``."""
    frames_per_second: float | None = None
    """``None`` if unknown; times are then counted in frames."""
    exclusive: bool = False
    """Whether the labels are classes that exclude one another. The first one is then the background, which
    has no rule."""

    def __post_init__(self) -> None:
        shape = (len(self.values), len(self.labels))
        if self.values.shape != shape or self.truth.shape != shape:
            raise ValueError(
                f"{self.unit}: values {self.values.shape} and truth {self.truth.shape} are not {shape}"
            )

    @property
    def decidable(self) -> range:
        """Columns of the labels that have rules."""
        return range(1 if self.exclusive else 0, len(self.labels))

    def rules_by(self, rules: Rules) -> dict[int, KeyRule]:
        """Return the rule of each column that has one."""
        return {column: rules.of(*self.key(column)) for column in self.decidable}

    def key(self, column: int) -> Key:
        """Return the key of a column."""
        return self.lab, self.labels[column]


Source = Iterable[KeptSequence]
"""Sequences, which can be read several times."""


def with_progress(
    source: Source, total: int, progress: Progress | None, what: str
) -> Iterator[KeptSequence]:
    """Yield all sequences, and report how many are done.

    Args:
        source: the sequences.
        total: number of sequences; 0 if unknown.
        progress: called with (done, total, what).
        what: what is done to the sequences, as in "sequences decided".
    """
    for done, sequence in enumerate(source):
        if progress is not None:
            progress(done, total, what)
        yield sequence


def folds_for(units: Sequence[str]) -> dict[str, int]:
    """Distribute videos over folds, each lab's over all; names decide, so the same videos get the same folds.

    Raises:
        DataError: there are fewer than two videos.
    """
    names = sorted(set(units))
    if len(names) < 2:
        raise DataError(
            f"predictions of {len(names)} video cannot be split, but post-processing is fitted on some"
            " videos and measured on others"
        )
    folds = min(MOST_FOLDS, len(names))
    return {name: place % folds for place, name in enumerate(names)}
