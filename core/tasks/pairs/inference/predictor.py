"""Apply checkpoints to files of pairs: read block by block, whatever their size."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas  # noqa: F401  (pyarrow would import it for the first table, from C, which loses a Ctrl-C)
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.blending.blend import Blend, blended
from core.errors import ConfigError, DataError, UserError
from core.run.request import RunRequest
from core.system.device import to_device
from core.system.files import replace_atomically
from core.system.progress import Progress
from core.tasks.loaded import LoadedCheckpoint
from core.tasks.pairs.augmentation import shifted
from core.tasks.pairs.batch import PairBatch
from core.tasks.pairs.build import build_task
from core.tasks.pairs.data.pair_file import PairFile, open_pair_file, scaled
from core.tasks.pairs.loss import pair_loss
from core.tasks.pairs.measure import PairMeasure
from core.tasks.pairs.model import ImageSpec, build_pair_model
from core.tasks.pairs.predictions import logits_of, probabilities_of
from core.tasks.pairs.settings import LABELS, PairsExperiment, pairs_of
from core.tasks.predictor import Evaluation, PredictionOptions, Written, evaluation_of, validated

PREDICTED, MEASURED = "test_public", "val"
"""The files that are read where none is named."""
WRITERS: dict[str, Callable[[IO[bytes], pa.Schema], Any]] = {
    ".csv": pcsv.CSVWriter,
    ".parquet": pq.ParquetWriter,
}
SCHEMA = pa.schema(
    [("pair", pa.string()), ("prediction", pa.int8()), ("probability", pa.float32())]
)
"""``prediction`` is 1 of a positive pair; ``probability`` is that of the positive label."""
PAIRS_AT_ONCE = 1024
LARGEST_CONTRAST = 20.0
"""Images whose pixels differ so many times more, or less, than those that a checkpoint learned from are on
another scale: shares of 1 where it learned from 0 to 255, say."""
MOVES = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
"""Pixels, right and down, by which both images move in the views of test-time augmentation."""
Images = tuple[Tensor, Tensor]


class ImagePairPredictor:
    """The mean of several checkpoints' probabilities, or the probabilities of one.

    Args:
        members: one or more.
        device: device to compute on.

    Raises:
        CheckpointError: weights and settings of a member do not belong together.
        ConfigError: the members learned from images of different sizes, or another task.
    """

    accepts = frozenset({"table", "tta"})
    blend: Blend | None = None
    """Makes one answer of those of all members; ``None``: their mean."""

    def __init__(self, members: Sequence[LoadedCheckpoint], device: torch.device) -> None:
        self._device = device
        self._experiments = [pairs_of(each.experiment, "predicting pairs") for each in members]
        self._specs = [ImageSpec.from_table(each.input_table) for each in members]
        sizes = {(spec.height, spec.width) for spec in self._specs}
        if len(sizes) > 1:
            raise ConfigError(
                f"members learned from images of {' and '.join(map(str, sorted(sizes)))}; average models of"
                " one size"
            )
        self._models = [
            _model(*each).to(device) for each in zip(members, self._experiments, strict=True)
        ]

    @property
    def experiment(self) -> PairsExperiment:
        """The settings of the first member."""
        return self._experiments[0]

    def targets(self, output: Path) -> tuple[Path, ...]:
        """Return the one file that is written: CSV or parquet."""
        if output.suffix not in WRITERS:
            raise UserError(
                f"{output}: {output.suffix or 'no suffix'!r} names no format that predictions are written in;"
                " end the name in .csv or .parquet"
            )
        return (output,)

    def write(
        self,
        data: Path,
        output: Path,
        options: PredictionOptions,
        progress: Progress | None = None,
    ) -> Written:
        """Write the answer to every pair of ``test_public.npz``, or of the table that is named."""
        self.targets(output)
        file = self._open(data, options.table or PREDICTED, needs_labels=False)
        positive = 0
        with replace_atomically(output) as sink, WRITERS[output.suffix](sink, SCHEMA) as writer:
            for rows, probabilities in self._predicted(file, options.tta, progress):
                answers = (probabilities[:, 1] > 0.5).astype(np.int8)
                positive += int(answers.sum())
                columns = [file.ids(rows), answers, probabilities[:, 1].astype(np.float32)]
                arrays = [pa.array(values, field.type) for values, field in
                          zip(columns, SCHEMA, strict=True)]  # fmt: skip
                writer.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))
        return Written(
            document={"path": str(output), "pairs": file.pairs, "positive": positive},
            sentence=f"{output}: {file.pairs:,} pairs of {file.path.name}, {positive:,} positive",
        )

    def evaluate(
        self, data: Path, options: PredictionOptions, progress: Progress | None = None
    ) -> Evaluation:
        """Evaluate on every pair of ``val.npz``, or of the table that is named."""
        file = self._open(data, options.table or MEASURED, needs_labels=True)
        labels = file.labels()
        measure = PairMeasure(file.ids, file.pairs, pair_loss(self.experiment.training))
        missing = 0
        for rows, probabilities in self._predicted(file, options.tta, progress):
            logits = logits_of(torch.from_numpy(probabilities))
            missing += int(logits.isnan().sum())
            targets = torch.from_numpy(labels[rows].astype(np.float32))
            measure.update(logits, PairBatch((logits, logits), targets, torch.from_numpy(rows)))
        words = (
            f"for {missing:,} pairs the checkpoint gives NaN, which counts as {LABELS[0]}; its training broke"
            " down: try an earlier one"
        )
        found = evaluation_of(measure, file.pairs)
        if not missing:
            return found
        return dataclasses.replace(found, nan_examples=missing, warnings=(words,))

    def validate(self, request: RunRequest, cache: Path, progress: Progress) -> Evaluation:
        """Measure on the validation pairs of a run."""
        task = build_task(request, cache, self._device, progress)
        return validated(task, self._logits)

    # ── answers ───────────────────────────────────────────────────────────────────────────────

    def _open(self, data: Path, table: str, needs_labels: bool) -> PairFile:
        path = data / f"{table}.npz"
        file = open_pair_file(path, self.experiment.data.arrays, needs_labels)
        spec = self._specs[0]
        if file.size != (spec.height, spec.width):
            raise DataError(
                f"{path}: images are {file.size}, but the checkpoint learned from"
                f" {(spec.height, spec.width)}"
            )
        return file

    def _require_same_scale(self, file: PairFile, images: NDArray[Any]) -> None:
        """Refuse images whose numbers are on another scale than those that the checkpoint learned from."""
        found = float(scaled(images).astype(np.float64).std())
        for spec in self._specs:
            ratio = found / spec.deviation
            if ratio and not 1 / LARGEST_CONTRAST < ratio < LARGEST_CONTRAST:
                raise DataError(
                    f"{file.path}: pixels of {file.first.name!r} ({file.first.dtype}) deviate by {found:.3g},"
                    f" and by {spec.deviation:.3g} in what the checkpoint learned from; write them on"
                    " one scale"
                )

    def _predicted(
        self, file: PairFile, tta: bool, progress: Progress | None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield the rows of some pairs, and the probability of each label."""
        for begin, *blocks in file.image_blocks():
            if begin == 0:
                self._require_same_scale(file, blocks[0])
            for start in range(0, len(blocks[0]), PAIRS_AT_ONCE):
                first, second = (
                    to_device(scaled(block[start : start + PAIRS_AT_ONCE])[:, None], self._device)
                    for block in blocks
                )
                rows = np.arange(begin + start, begin + start + len(first))
                yield rows, self.probabilities((first, second), tta).cpu().numpy()
                if progress is not None:
                    progress(int(rows[-1]) + 1, file.pairs, "pairs")

    @torch.no_grad()
    def probabilities(self, images: Images, tta: bool = False) -> Tensor:
        """Return the probability of each label, ``(pairs, 2)`` float32.

        Args:
            images: first and second images, ``(pairs, 1, height, width)``, bytes as shares of 1.
            tta: average over images moved by a pixel, and, where ``data.swapped`` is known, over both
                orders of the two.
        """

        def predict(place: int) -> NDArray[np.float32]:
            swapping = self._experiments[place].data.swapping
            views = [*_views(images, swapping)] if tta else [(images, False)]
            total = torch.zeros(len(images[0]), 2, dtype=torch.float64, device=self._device)
            for view, turned in views:
                answer = probabilities_of(self._models[place](view)).double()
                total += answer.flip(1) if turned else answer
            mean: NDArray[np.float32] = (total / len(views)).float().cpu().numpy()
            return mean

        found = blended(range(len(self._models)), predict, self.blend)
        return torch.from_numpy(found).to(self._device)

    def _logits(self, images: Any) -> Tensor:
        if len(self._models) == 1:
            answer: Tensor = self._models[0](images)
            return answer
        return logits_of(self.probabilities(images))


def _views(images: Images, swapping: str | None) -> Iterator[tuple[Images, bool]]:
    """Yield what should not change the answer, and whether it turns the label."""
    first, second = images
    for right, down in MOVES:
        moved = shifted(first, right, down), shifted(second, right, down)
        yield moved, False
        if swapping is not None:
            yield moved[::-1], swapping == "opposite"


def _model(member: LoadedCheckpoint, experiment: PairsExperiment) -> nn.Module:
    return member.network(
        lambda table: build_pair_model(experiment.model, ImageSpec.from_table(table))
    )


def predictor(members: Sequence[LoadedCheckpoint], device: torch.device) -> ImagePairPredictor:
    """Return the predictor of some checkpoints; one that is given twice counts twice.

    Raises:
        CheckpointError: one cannot be used.
    """
    return ImagePairPredictor(members, device)
