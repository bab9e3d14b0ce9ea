"""The second level of an ensemble, fitted or not: the probabilities of several members → one."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.blending.logistic import LogisticRegression
from core.blending.ranked import MeanRank
from core.blending.sample import Beat, Probabilities, Sample
from core.blending.stacked import Stack
from core.blending.weighted import WeightedMean

Model = TypeVar("Model", bound=Hashable)


class Blender(Protocol):
    """Maps several members' probabilities to one."""

    @classmethod
    def fitted(cls, sample: Sample, seed: int, beat: Beat) -> "Blender":
        """Fit on a sample; the same arguments give the same result.

        Args:
            sample: what to fit on.
            seed: of what is drawn.
            beat: called every now and then; what it raises ends the fit.

        Raises:
            ConfigError: an optional dependency is not installed.
        """
        ...

    @classmethod
    def restored(cls, state: dict[str, Any]) -> "Blender":
        """Return what :meth:`state` described."""
        ...

    def state(self) -> dict[str, Any]:
        """Return plain containers, numbers, texts and tensors, for a checkpoint."""
        ...

    def words(self, names: list[str]) -> str:
        """Describe what was fitted, given the members' names."""
        ...

    def apply(self, members: NDArray[np.float32]) -> Probabilities:
        """Return the probabilities of ``(members, rows, labels)``: anything where a member's are NaN."""
        ...


BLENDERS: dict[str, type[Blender]] = {
    "weighted": WeightedMean,
    "rank": MeanRank,
    "logistic": LogisticRegression,
    "stack": Stack,
}
"""``ensemble.how`` → what is fitted; ``mean`` has nothing to fit."""


@dataclass(frozen=True, slots=True)
class Blend:
    """A fitted second level, and which checkpoint belongs to which member."""

    blender: Blender
    groups: tuple[int, ...]
    """Of each checkpoint, the member: those of one member, of all folds, are averaged first."""

    def apply(self, members: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return one array from the members', all of shape ``(…, labels)``; NaN where one of them is."""
        shape = members[0].shape
        given = np.stack([member.reshape(-1, shape[-1]) for member in members])
        return blended_rows(self.blender, given).reshape(shape)


def blended_rows(blender: Blender, members: NDArray[np.float32]) -> Probabilities:
    """Return the probabilities of ``(members, rows, labels)``; NaN where a member's are NaN."""
    unknown = np.isnan(members).any(axis=0)
    found = np.clip(blender.apply(members), 0, 1)
    found[unknown] = np.nan
    return found


def blended(
    models: Sequence[Model],
    predict: Callable[[Model], NDArray[np.float32]],
    blend: Blend | None = None,
) -> NDArray[np.float32]:
    """Predict with several models, one after the other, and make one prediction of theirs.

    Args:
        models: one or more; one that comes several times is asked once, and counts as often as it comes.
        predict: returns a model's probabilities, ``(…, labels)``, of the same shape each.
        blend: made for these models in this order; ``None``: their mean.
    """
    groups = blend.groups if blend is not None else (0,) * len(models)
    places: dict[Model, list[int]] = {}
    for model, group in zip(models, groups, strict=True):
        places.setdefault(model, []).append(group)
    if len(models) == 1 and blend is None:
        return predict(models[0])
    totals: dict[int, NDArray[np.float64]] = {}
    for model, own in places.items():
        values = predict(model)
        for group in own:
            if group in totals:
                totals[group] += values
            else:
                totals[group] = values.astype(np.float64)
    means = [(totals[group] / groups.count(group)).astype(np.float32) for group in sorted(totals)]
    return means[0] if blend is None else blend.apply(means)
