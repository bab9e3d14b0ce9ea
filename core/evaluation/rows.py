"""Evaluation rows: additive counts of each unit and label, and the scores computed from their sums.

A unit is what a bootstrap resamples (a video, say); a label is what the task predicts. A row holds true
and false positives and false negatives, and the sums of a metric that is a mean, such as a loss: its total
and its weight. Sums over units, over bootstrap resamples or over all units but one are counts again, so each
score is one vectorised call. Every function here takes any leading dimensions.

The scores are scikit-learn's with ``labels=range(labels)`` and ``zero_division=0``, of one label an example
or of several.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""``(..., labels, 5)`` counts → ``(...)`` scores, e.g. :func:`f1_macro`."""

COLUMNS = ("tp", "fp", "fn", "total", "weight")
"""Meaning of the last axis of counts, in order."""
TP, FP, FN, TOTAL, WEIGHT = range(len(COLUMNS))


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Counts of several units.

    Raises:
        ValueError: the shape of ``counts`` does not match ``units`` and ``labels``.
    """

    units: tuple[str, ...]
    labels: tuple[str, ...]
    counts: Floats
    """``(units, labels, 5)``, the last axis as in :data:`COLUMNS`."""

    def __post_init__(self) -> None:
        shape = len(self.units), len(self.labels), len(COLUMNS)
        if self.counts.shape != shape:
            raise ValueError(f"counts are {self.counts.shape}, not (units, labels, 5) = {shape}")

    @classmethod
    def from_confusions(
        cls, units: Sequence[str], labels: Sequence[str], confusions: ArrayLike
    ) -> Self:
        """Return the rows of ``(units, labels, labels)`` confusion counts, the truth in rows."""
        return cls(tuple(units), tuple(labels), counts_of(confusions))

    @property
    def pooled(self) -> Floats:
        """Return the counts summed over the units: ``(labels, 5)``."""
        return np.asarray(self.counts.sum(axis=0))

    def reordered(self, units: Sequence[str]) -> "Rows":
        """Return the same rows with the units in another order."""
        place = {unit: number for number, unit in enumerate(self.units)}
        return Rows(tuple(units), self.labels, self.counts[[place[unit] for unit in units]])


def concatenated(parts: Sequence[Rows]) -> Rows:
    """Return the rows of several runs with disjoint units, such as those of all folds.

    Labels that some lack, such as a lab's action that only videos of one fold have, have counts of 0
    there; the labels are then sorted.

    Raises:
        ValueError: a unit is in two of them.
    """
    units = [unit for part in parts for unit in part.units]
    if len(set(units)) < len(units):
        twice = next(unit for unit in units if units.count(unit) > 1)
        raise ValueError(f"{twice} is in two of the folds")
    labels = parts[0].labels
    if any(part.labels != labels for part in parts):
        labels = tuple(sorted({label for part in parts for label in part.labels}))
    counts = [_with_labels(part, labels) for part in parts]
    return Rows(tuple(units), labels, np.concatenate(counts))


def _with_labels(rows: Rows, labels: tuple[str, ...]) -> Floats:
    """Return ``(units, labels, 5)`` counts for labels that include those of the rows."""
    if rows.labels == labels:
        return rows.counts
    place = {label: number for number, label in enumerate(labels)}
    counts = np.zeros((len(rows.units), len(labels), len(COLUMNS)))
    counts[:, [place[label] for label in rows.labels]] = rows.counts
    return counts


def counts_of(confusion: ArrayLike) -> Floats:
    """Reduce confusion counts to the counts of each label.

    Args:
        confusion: ``(..., labels, labels)``, rows the truth and columns the prediction.

    Returns:
        ``(..., labels, 5)``; totals and weights are 0.
    """
    table = np.asarray(confusion, dtype=np.float64)
    counts = np.zeros((*table.shape[:-1], len(COLUMNS)))
    found = np.diagonal(table, axis1=-2, axis2=-1)
    counts[..., TP] = found
    counts[..., FP] = table.sum(axis=-2) - found
    counts[..., FN] = table.sum(axis=-1) - found
    return counts


def differing_units(one: ArrayLike, other: ArrayLike) -> NDArray[np.intp]:
    """Return the indices of the units whose true labels differ between two sets of counts.

    Two models scored on the same examples agree in tp + fn, the examples that truly have a label, and in the
    weights; they differ in how tp + fn is divided.

    Args:
        one: ``(..., units, labels, 5)``.
        other: of the same shape, or one that broadcasts to it.
    """
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    # The two may have been summed in different orders; a real difference is at least one example.
    same = _is_close(support_per_label(a), support_per_label(b), 1e-9)
    same &= _is_close(a[..., WEIGHT], b[..., WEIGHT], 1e-6)
    per_unit = same.all(axis=-1).reshape(-1, same.shape[-2])
    return np.flatnonzero(~per_unit.all(axis=0))


# ── scores of each label: (..., labels, 5) → (..., labels) ────────────────────────────────────


def precision_per_label(counts: ArrayLike) -> Floats:
    """Return TP / (TP + FP), 0 where a label is never predicted."""
    c = np.asarray(counts, dtype=np.float64)
    return _ratio(c[..., TP], c[..., TP] + c[..., FP])


def recall_per_label(counts: ArrayLike) -> Floats:
    """Return TP / (TP + FN), 0 where a label is absent from the truth."""
    c = np.asarray(counts, dtype=np.float64)
    return _ratio(c[..., TP], support_per_label(c))


def f1_per_label(counts: ArrayLike) -> Floats:
    """Return 2TP / (2TP + FP + FN), 0 for 0/0."""
    c = np.asarray(counts, dtype=np.float64)
    return _ratio(2.0 * c[..., TP], 2.0 * c[..., TP] + c[..., FP] + c[..., FN])


def support_per_label(counts: ArrayLike) -> Floats:
    """Return TP + FN, the examples that truly have each label."""
    c = np.asarray(counts, dtype=np.float64)
    return np.asarray(c[..., TP] + c[..., FN])


# ── scores over all labels: (..., labels, 5) → (...) ──────────────────────────────────────────


def f1_macro(counts: ArrayLike) -> Floats:
    """Return the mean F1 over all labels, absent ones counting 0."""
    return np.asarray(f1_per_label(counts).mean(axis=-1))


def f1_macro_present(counts: ArrayLike) -> Floats:
    """Return the mean F1 over the labels that occur in the truth, 0 if none does."""
    present = support_per_label(counts) > 0
    return _ratio((f1_per_label(counts) * present).sum(axis=-1), present.sum(axis=-1))


def f1_macro_but_first(counts: ArrayLike) -> Floats:
    """Return the mean F1 over all labels but the first, the background; 0 if it is the only one."""
    others = f1_per_label(counts)[..., 1:]
    return np.asarray(others.mean(axis=-1)) if others.shape[-1] else np.zeros(others.shape[:-1])


def precision_macro(counts: ArrayLike) -> Floats:
    """Return the mean precision over all labels."""
    return np.asarray(precision_per_label(counts).mean(axis=-1))


def recall_macro(counts: ArrayLike) -> Floats:
    """Return the mean recall over all labels."""
    return np.asarray(recall_per_label(counts).mean(axis=-1))


def accuracy(counts: ArrayLike) -> Floats:
    """Return the share of correct examples, 0 of none; every example has exactly one label."""
    c = np.asarray(counts, dtype=np.float64)
    return _ratio(c[..., TP].sum(axis=-1), support_per_label(c).sum(axis=-1))


def mean(counts: ArrayLike) -> Floats:
    """Return Σ total / Σ weight over the labels, such as a loss; NaN if nothing has a weight."""
    c = np.asarray(counts, dtype=np.float64)
    return _ratio(c[..., TOTAL].sum(axis=-1), c[..., WEIGHT].sum(axis=-1), of_nothing=np.nan)


def _is_close(one: Floats, other: Floats, share: float) -> NDArray[np.bool_]:
    """Compare like ``np.isclose``, in a quarter of its time."""
    return np.asarray(np.abs(one - other) <= 1e-9 + share * np.abs(other))


def _ratio(numerator: ArrayLike, denominator: ArrayLike, of_nothing: float = 0.0) -> Floats:
    """Divide elementwise; 0/0 is ``of_nothing``."""
    top = np.asarray(numerator, dtype=np.float64)
    bottom = np.asarray(denominator, dtype=np.float64)
    shares: Floats = np.divide(top, bottom, out=np.full(top.shape, of_nothing), where=bottom > 0)
    return shares
