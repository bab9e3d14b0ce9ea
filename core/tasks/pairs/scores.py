"""Scores of the positive label, from evaluation rows; see :mod:`core.evaluation.rows`."""

import numpy as np
from numpy.typing import ArrayLike

from core.evaluation.rows import Floats, f1_per_label, precision_per_label, recall_per_label

POSITIVE = 1
"""Index of the label."""


def f1(counts: ArrayLike) -> Floats:
    """Return 2TP / (2TP + FP + FN) of the positive label: ``(..., labels, 5)`` → ``(...)``."""
    return np.asarray(f1_per_label(counts)[..., POSITIVE])


def precision(counts: ArrayLike) -> Floats:
    """Return TP / (TP + FP) of the positive label: ``(..., labels, 5)`` → ``(...)``."""
    return np.asarray(precision_per_label(counts)[..., POSITIVE])


def recall(counts: ArrayLike) -> Floats:
    """Return TP / (TP + FN) of the positive label: ``(..., labels, 5)`` → ``(...)``."""
    return np.asarray(recall_per_label(counts)[..., POSITIVE])
