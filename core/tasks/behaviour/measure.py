"""What a model says on validation frames: confusion counts for each video, and average precision."""

from collections.abc import Callable, Sequence

import pyarrow as pa
import torch
from torch import Tensor

from core.evaluation.frames import Counts, average_precisions, frame_metrics
from core.evaluation.table import Confusions, evaluation_table, rows_table
from core.frames.batch import FrameBatch
from core.losses.frames import FrameLoss
from core.tasks.behaviour.probabilities import class_probabilities
from core.tasks.behaviour.settings import BehaviourTrainingConfig
from core.tasks.task import Loss


class FrameMeasure:
    """Collects class probabilities of frames.

    Keeps a few bytes for every validation frame, because average precision needs them ranked.

    Args:
        classes: names by index.
        videos: ids of the validation videos.
        loss: of a batch's output.
        device: of the outputs.
    """

    def __init__(
        self,
        classes: Sequence[str],
        videos: Sequence[str],
        loss: Callable[[Tensor, FrameBatch], Loss],
        device: torch.device,
    ) -> None:
        self._classes, self._videos, self._loss = tuple(classes), tuple(videos), loss
        cells = len(videos) * len(classes) ** 2
        self._cells = torch.zeros(cells, dtype=torch.int64, device=device)
        self._sums = torch.zeros(2, dtype=torch.float64, device=device)
        self._truth: list[Tensor] = []
        self._probabilities: list[Tensor] = []

    def update(self, output: Tensor, batch: FrameBatch) -> None:
        """Take the logits of a batch, ``(batch, time, classes)``."""
        if batch.videos is None:
            raise TypeError("only batches of validation_batches() can be measured")
        videos = batch.videos[:, None].expand(batch.targets.shape)
        counted = batch.weights > 0
        self.add(
            self._loss(output, batch),
            videos[counted],
            batch.targets[counted],
            class_probabilities(output[counted]),
        )

    def add(self, loss: Loss, videos: Tensor, truth: Tensor, probabilities: Tensor) -> None:
        """Take frames that have been predicted.

        Args:
            loss: of all of them.
            videos: ``(frames,)`` int64 places among the validation videos.
            truth: ``(frames,)`` int64 classes.
            probabilities: ``(frames, classes)`` float32.
        """
        self._sums += torch.stack((loss.total, loss.weight)).double()
        count = len(self._classes)
        cells = (videos * count + truth) * count + probabilities.argmax(dim=-1)
        self._cells.index_add_(0, cells, torch.ones_like(cells))
        self._truth.append(truth.to("cpu", torch.uint8))
        self._probabilities.append(probabilities.cpu())

    def metrics(self) -> dict[str, float]:
        """Return ``loss``, the frame metrics of all videos pooled, and ``ap/<class>``.

        A model that has come to give NaN gets the metrics of one that knows nothing.
        """
        total, weight = self._sums.tolist()
        probabilities = torch.cat(self._probabilities).nan_to_num_(0.0).numpy()
        truth = torch.cat(self._truth).numpy()
        return {
            "loss": total / weight if weight else float("nan"),
            **frame_metrics(self._confusion().sum(axis=0), self._classes),
            **average_precisions(truth, probabilities, self._classes),
        }

    def table(self) -> pa.Table:
        """Return the evaluation rows: counts of each video and class."""
        return rows_table(self._confusions.rows)

    def confusion(self) -> pa.Table:
        """Return the frames by video, true class and predicted class."""
        return evaluation_table(self._confusions)

    @property
    def _confusions(self) -> Confusions:
        return Confusions(self._videos, self._classes, self._confusion())

    def _confusion(self) -> Counts:
        count = len(self._classes)
        confusion: Counts = self._cells.cpu().numpy().reshape(-1, count, count)
        return confusion


def frame_loss(config: BehaviourTrainingConfig, device: torch.device) -> FrameLoss:
    """Return the loss that an experiment trains with, on a device."""
    weights = config.class_weights
    return FrameLoss(
        class_weights=None if weights is None else torch.tensor(weights, device=device),
        label_smoothing=config.label_smoothing,
        focal_gamma=config.focal_gamma,
    )
