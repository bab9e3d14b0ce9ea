"""Test-time augmentation: the mean of a model's answers for several views of the same data.

A view changes something that should not change the answer: it may be a mirror image, or other borders between
the chunks in which a video is read.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from core.models.chunking import Chunking

Data = TypeVar("Data")
Answers = npt.NDArray[np.float32]


def unchanged(data: Data) -> Data:
    """Return the data as they are."""
    return data


@dataclass(frozen=True, slots=True)
class View(Generic[Data]):
    """One way to look at the data; by default, they are left as they are."""

    name: str = "plain"
    change: Callable[[Data], Data] = unchanged
    """Returns the data (a video's positions, say) as this view shows them, without changing the original."""
    shift: float = 0.0
    """Share of a chunk, from 0 to below 1, by which the borders between chunks are moved."""

    def chunking(self, plain: Chunking) -> Chunking:
        """Return the chunks of this view."""
        return plain.shifted(self.shift)


def views(
    changes: Sequence[tuple[str, Callable[[Data], Data]]] = (), shifts: int = 1
) -> tuple[View[Data], ...]:
    """Return every combination of a change and a shift; the plain view comes first.

    Args:
        changes: further views of the data, each with its name, such as ``("flip", mirror)``.
        shifts: positions of the borders between chunks, evenly spaced; 1 leaves them where they are.

    Raises:
        ValueError: there are no shifts.
    """
    if shifts < 1:
        raise ValueError(f"{shifts} shifts: there must be at least 1")
    of_data: list[View[Data]] = [View(), *(View(name, change) for name, change in changes)]
    return tuple(
        replace(view, name=f"{view.name}, shift {shift}/{shifts}", shift=shift / shifts)
        if shift
        else view
        for shift in range(shifts)
        for view in of_data
    )


def mean_of_views(of: Iterable[View[Data]], predict: Callable[[View[Data]], Answers]) -> Answers:
    """Return the mean of the probabilities over all views.

    The views are predicted one after the other; the answers of two are in memory at a time.

    Args:
        of: at least one view.
        predict: returns the probabilities for a view: always of the same shape, with NaN in the same places.

    Raises:
        ValueError: there are no views, or the shapes differ.
    """
    total: Answers | None = None
    count = 0
    for view in of:
        answer = predict(view)
        count += 1
        if total is None:
            total = np.array(answer, np.float32)
        elif total.shape != answer.shape:
            raise ValueError(f"view {view.name!r}: shape {answer.shape} instead of {total.shape}")
        else:
            total += answer
    if total is None:
        raise ValueError("there are no views to predict")
    if count > 1:
        total /= count
    return total
