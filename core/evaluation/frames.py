"""Frame metrics from confusion counts, as scikit-learn defines them.

The functions on confusion matrices accept any leading dimensions. The definitions are those of
:mod:`core.evaluation.rows`: scikit-learn's with ``labels=range(classes)`` and ``zero_division=0``.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.evaluation import rows
from core.evaluation.rows import Floats

Counts = NDArray[np.int64]


def confusion(true: ArrayLike, predicted: ArrayLike, classes: int) -> Counts:
    """Count frames by true and predicted class.

    Args:
        true: class indices, any shape. Frames without a label must be left out by the caller.
        predicted: class indices, the same shape.
        classes: number of classes; every index lies in ``[0, classes)``.

    Returns:
        ``(classes, classes)`` counts, rows the truth and columns the prediction.

    Raises:
        ValueError: the shapes differ, or an index is not a class.
    """
    rows, columns = np.asarray(true).ravel(), np.asarray(predicted).ravel()
    if rows.shape != columns.shape:
        raise ValueError(f"{rows.size} true labels but {columns.size} predicted ones")
    for name, labels in (("true", rows), ("predicted", columns)):
        if labels.size and (labels.min() < 0 or labels.max() >= classes):
            raise ValueError(f"{name} labels must lie in 0…{classes - 1}")
    cells = rows.astype(np.int64) * classes + columns.astype(np.int64)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def precision_per_class(confusion: ArrayLike) -> Floats:
    """Compute precision, 0 where nothing is predicted: ``(..., classes, classes)`` → ``(..., classes)``."""
    return rows.precision_per_label(rows.counts_of(confusion))


def recall_per_class(confusion: ArrayLike) -> Floats:
    """Compute recall, 0 where the class is absent: ``(..., classes, classes)`` → ``(..., classes)``."""
    return rows.recall_per_label(rows.counts_of(confusion))


def f1_per_class(confusion: ArrayLike) -> Floats:
    """Compute F1 = 2TP / (2TP + FP + FN), 0 for 0/0: ``(..., classes, classes)`` → ``(..., classes)``."""
    return rows.f1_per_label(rows.counts_of(confusion))


def f1_macro(confusion: ArrayLike) -> Floats:
    """Compute mean F1 over all classes, absent ones counting 0: ``(..., classes, classes)`` → ``(...)``."""
    return rows.f1_macro(rows.counts_of(confusion))


def f1_macro_present(confusion: ArrayLike) -> Floats:
    """Compute mean F1 over the classes that occur in the truth (0 if none does): → ``(...)``."""
    return rows.f1_macro_present(rows.counts_of(confusion))


def f1_macro_behaviours(confusion: ArrayLike) -> Floats:
    """Compute mean F1 over all classes but class 0 (``other``): ``(..., classes, classes)`` → ``(...)``."""
    return rows.f1_macro_but_first(rows.counts_of(confusion))


def accuracy(confusion: ArrayLike) -> Floats:
    """Compute the share of frames on the diagonal (0 of none): ``(..., classes, classes)`` → ``(...)``."""
    return rows.accuracy(rows.counts_of(confusion))


def frame_metrics(confusion: ArrayLike, class_names: Sequence[str]) -> dict[str, float]:
    """Compute all frame metrics of one confusion matrix.

    Args:
        confusion: ``(classes, classes)`` counts, rows the truth.
        class_names: one name per class, in index order; class 0 is the background.

    Returns:
        ``accuracy``, ``f1_macro``, ``f1_macro_present`` (classes in the truth),
        ``f1_macro_behaviours`` (all but class 0), ``precision_macro``, ``recall_macro``, and for each
        class ``f1/<name>``, ``precision/<name>``, ``recall/<name>`` and ``support/<name>`` (frames).

    Raises:
        ValueError: the matrix is not square, or its size is not the number of names.
    """
    counts = np.asarray(confusion)
    if counts.shape != (len(class_names), len(class_names)):
        raise ValueError(f"a {counts.shape} confusion matrix for {len(class_names)} class names")
    per_class = {
        "f1": f1_per_class(counts),
        "precision": precision_per_class(counts),
        "recall": recall_per_class(counts),
        "support": counts.sum(axis=1),
    }
    metrics = {
        "accuracy": float(accuracy(counts)),
        "f1_macro": float(f1_macro(counts)),
        "f1_macro_present": float(f1_macro_present(counts)),
        "f1_macro_behaviours": float(f1_macro_behaviours(counts)),
        "precision_macro": float(per_class["precision"].mean()),
        "recall_macro": float(per_class["recall"].mean()),
    }
    for metric, values in per_class.items():
        metrics |= {
            f"{metric}/{name}": float(v) for name, v in zip(class_names, values, strict=True)
        }
    return metrics


def average_precision(true: ArrayLike, score: ArrayLike) -> float:
    """Compute the average precision Σ (Rₙ − Rₙ₋₁) Pₙ over distinct thresholds, as scikit-learn defines it.

    Args:
        true: ``(frames,)`` booleans, or 0 and 1.
        score: ``(frames,)`` finite scores; equal scores share one threshold.

    Returns:
        A value in [0, 1]; 0.0 if no frame is positive.

    Raises:
        ValueError: the shapes differ, or a score is not finite.
    """
    positive, scores = np.asarray(true, dtype=bool).ravel(), np.asarray(score).ravel()
    if positive.shape != scores.shape:
        raise ValueError(f"{positive.size} labels but {scores.size} scores")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    if not positive.any():
        return 0.0
    order = np.argsort(-scores, kind="stable")
    last_of_ties = np.append(np.flatnonzero(np.diff(scores[order])), scores.size - 1)
    found = np.cumsum(positive[order])[last_of_ties]
    precision = found / (last_of_ties + 1)
    return float(np.sum(np.diff(found, prepend=0) * precision) / found[-1])


def average_precisions(
    true: ArrayLike, probabilities: ArrayLike, class_names: Sequence[str]
) -> dict[str, float]:
    """Compute the one-vs-rest average precision of every class.

    Args:
        true: ``(frames,)`` class indices.
        probabilities: ``(frames, classes)`` scores.
        class_names: one name per class, in index order.

    Returns:
        ``ap/<name>`` for each class; 0.0 for a class that is absent from the truth.

    Raises:
        ValueError: the shapes do not match, or a score is not finite.
    """
    labels, scores = np.asarray(true).ravel(), np.asarray(probabilities)
    if scores.shape != (labels.size, len(class_names)):
        raise ValueError(f"scores are {scores.shape}, not {(labels.size, len(class_names))}")
    return {
        f"ap/{name}": average_precision(labels == index, scores[:, index])
        for index, name in enumerate(class_names)
    }
