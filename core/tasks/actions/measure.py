"""Measure a model on validation videos: counts of decided frames, and average precision."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from core.evaluation.official import score_for
from core.evaluation.rows import COLUMNS, FN, FP, TP, Rows, f1_macro_present, f1_per_label
from core.evaluation.table import rows_table
from core.frames.windows import Indices
from core.tasks.actions.batch import ActionBatch
from core.tasks.actions.chosen import label_of, unit_of
from core.tasks.actions.decisions import Probabilities, decided, own_probabilities
from core.tasks.actions.pair_rows import AnnotatedVideo, PairRows
from core.tasks.task import Loss

BINS = 1000
"""Bins of each histogram that average precision is computed from."""
LARGEST_LOGIT = 12.0
LEAST = 6e-6
"""The probability whose logit is −:data:`LARGEST_LOGIT`, about."""
Histogram = npt.NDArray[np.int64]
"""``(bins, 2)`` frames by ascending probability: those without the label, and those with it."""


class ActionMeasure:
    """Counts frames, at the videos' own rates, for each video and each action of each lab.

    A pair does at most one action in a frame: the most probable, if it reaches the threshold. Memory depends
    on the number of videos and of labs' actions, not on the number of frames.

    Args:
        rows: rows of the validation videos; annotated frames that are never predicted count as missed.
        videos: the video of each row.
        frames_per_second: frame rate of the model.
        threshold: least probability of an action that is done.
        loss: computes the loss of a batch's output; ``None`` if probabilities come from elsewhere.
    """

    def __init__(
        self,
        rows: PairRows,
        videos: Sequence[AnnotatedVideo],
        frames_per_second: float,
        threshold: float,
        loss: Callable[[Tensor, ActionBatch], Loss] | None = None,
    ) -> None:
        self._rows, self._videos, self._loss, self._threshold = rows, videos, loss, threshold
        self._ratio = [video.frames_per_second / frames_per_second for video in videos]
        units = [unit_of(video) for video in videos]
        self._units = tuple(dict.fromkeys(units))
        names = {
            label_of(videos[row], rows.actions[action])
            for row, action in zip(*np.nonzero(rows.mask), strict=True)
        }
        self._labels = tuple(sorted(names))
        place = {unit: number for number, unit in enumerate(self._units)}
        self._unit = np.array([place[unit] for unit in units], np.int64)
        place = {label: number for number, label in enumerate(self._labels)}
        self._label = np.full(rows.mask.shape, -1, np.int64)
        for row, action in zip(*np.nonzero(rows.mask), strict=True):
            self._label[row, action] = place[label_of(videos[row], rows.actions[action])]
        self._truth = self._true_frames()
        self._hits = np.zeros_like(self._truth)
        self._predicted = np.zeros_like(self._truth)
        self._bins = np.zeros((len(self._labels), BINS, 2), np.int64)
        self._sums = torch.zeros(2, dtype=torch.float64)

    def update(self, output: Tensor, batch: ActionBatch) -> None:
        """Add the logits of a batch, ``(rows, time, actions)``."""
        if batch.row is None:
            raise TypeError("only batches of validation_batches() can be measured")
        if self._loss is not None:
            loss = self._loss(output, batch)
            self._sums += torch.stack((loss.total, loss.weight)).double().cpu()
        values = output.sigmoid().nan_to_num_(0.0).cpu().numpy()
        for row, chunk, answers in zip(batch.row.tolist(), batch.chunks, values, strict=True):
            frames = self._videos[row].frames
            self.add(row, *own_probabilities(answers, chunk, frames, self._ratio[row]))

    def add(
        self,
        row: int,
        frames: Indices,
        probabilities: Probabilities,
        choice: Indices | None = None,
    ) -> None:
        """Add some frames of a row; no frame may be added twice.

        Args:
            row: index of the row.
            frames: ``(frames,)`` frame numbers of the video.
            probabilities: ``(frames, actions)``.
            choice: ``(frames,)`` the action of each frame, or −1; ``None``: the threshold decides.
        """
        if not self._rows.tracked[row]:
            return
        truth = self._rows.labels(row, frames).astype(np.bool_)
        annotated = np.flatnonzero(self._rows.mask[row])
        labels, unit = self._label[row], self._unit[row]
        if choice is None:
            choice = decided(probabilities, self._rows.mask[row], self._threshold)
        taken = choice >= 0
        np.add.at(self._predicted[unit], labels[choice[taken]], 1)
        right = taken & truth[np.arange(len(choice)), choice]
        np.add.at(self._hits[unit], labels[choice[right]], 1)
        place = bins_of(probabilities[:, annotated])
        flat = (place * 2 + truth[:, annotated]) + 2 * BINS * np.arange(len(annotated))
        counts = np.bincount(flat.ravel(), minlength=2 * BINS * len(annotated))
        self._bins[labels[annotated]] += counts.reshape(-1, BINS, 2)

    def metrics(self) -> dict[str, float]:
        """Return ``score``, ``loss`` if it is measured, and F1 and average precision by ``LAB/ACTION``.

        A label that no validation frame has gets no average precision.
        """
        total, weight = self._sums.tolist()
        loss = {"loss": total / weight if weight else float("nan")} if self._loss else {}
        return {**loss, **metrics_of(self.rows(), self.histograms())}

    def histograms(self) -> dict[str, Histogram]:
        """Return the probabilities of each label, as :func:`average_precision` takes them."""
        return dict(zip(self._labels, self._bins, strict=True))

    def rows(self) -> Rows:
        """Return the counts for each video and each action of each lab."""
        counts = np.zeros((len(self._units), len(self._labels), len(COLUMNS)))
        counts[..., TP] = self._hits
        counts[..., FP] = self._predicted - self._hits
        counts[..., FN] = self._truth - self._hits
        return Rows(self._units, self._labels, counts)

    def table(self) -> pa.Table:
        """Return :meth:`rows` as a table."""
        return rows_table(self.rows())

    def confusion(self) -> None:
        """Return ``None``: actions do not exclude one another, so there is no confusion matrix."""

    def _true_frames(self) -> npt.NDArray[np.int64]:
        """Return how many frames of each video have each label; a frame counts once for each pair."""
        truth = np.zeros((len(self._units), len(self._labels)), np.int64)
        for row, counts in enumerate(self._rows.action_frames(range(len(self._rows)))):
            annotated = np.flatnonzero(self._rows.mask[row])
            truth[self._unit[row], self._label[row, annotated]] += counts[annotated]
        return truth


def metrics_of(rows: Rows, histograms: Mapping[str, Histogram]) -> dict[str, float]:
    """Return the metrics that need no loss; see :meth:`ActionMeasure.metrics`."""
    pooled = rows.pooled
    return {
        "score": float(score_for(rows.labels)(pooled)),
        "f1_macro_present": float(f1_macro_present(pooled)),
        **{
            f"f1/{label}": float(f1)
            for label, f1 in zip(rows.labels, f1_per_label(pooled), strict=True)
        },
        **{
            f"ap/{label}": average_precision(histogram)
            for label, histogram in histograms.items()
            if histogram[:, 1].any()
        },
    }


def bins_of(probabilities: Probabilities) -> npt.NDArray[np.int64]:
    """Return the bin of each probability; bins are of equal width in log-odds, from −12 to 12."""
    inside = probabilities.clip(LEAST, 1 - LEAST).astype(np.float64)
    odds = np.log(inside / (1 - inside)) / LARGEST_LOGIT
    place: npt.NDArray[np.int64] = ((odds + 1) * (BINS / 2)).astype(np.int64).clip(0, BINS - 1)
    return place


def average_precision(bins: Histogram) -> float:
    """Return the average precision of one label from its histogram; probabilities in one bin are ties."""
    false, true = np.cumsum(bins[::-1], axis=0, dtype=np.float64).T
    hits = bins[::-1, 1]
    found = hits > 0
    precision = true[found] / (true[found] + false[found])
    return float((precision * hits[found]).sum() / max(1, hits.sum()))
