"""Prediction with trained pairs models: on ``pairs.npz`` in a data folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import torch
from torch import Tensor

from core.errors import DataError, UserError
from core.run.request import RunRequest
from core.system.files import replace_atomically
from core.system.progress import Progress
from core.tasks.loaded import LoadedCheckpoint
from core.tasks.predictor import Evaluation, PredictionOptions, Written, evaluation_of, validated
from tests.toy.pairs import LABEL
from tests.toy.task import PairBatch, PairMeasure, PairModel, build


class PairsPredictor:
    """The mean of what several models say."""

    accepts: frozenset[str] = frozenset()

    def __init__(self, members: Sequence[LoadedCheckpoint], device: torch.device) -> None:
        self._device = device
        self._models = [each.network(lambda _: PairModel()).to(device) for each in members]

    def targets(self, output: Path) -> tuple[Path, ...]:
        if output.suffix != ".csv":
            raise UserError(f"{output}: pairs are written as CSV; end the name in .csv")
        return (output,)

    def write(
        self,
        data: Path,
        output: Path,
        options: PredictionOptions,
        progress: Progress | None = None,
    ) -> Written:
        del options, progress
        scenes, batch = self._read(data)
        answers = self._answer(batch.inputs).cpu().numpy()
        named = [scenes[place] for place in batch.scenes.tolist()]
        with replace_atomically(output) as file:
            pcsv.write_csv(pa.table({"scene": named, LABEL: answers}), file)
        return Written(
            document={"path": output, "pairs": batch.size},
            sentence=f"{output}: {batch.size} pairs",
        )

    def evaluate(
        self, data: Path, options: PredictionOptions, progress: Progress | None = None
    ) -> Evaluation:
        del options, progress
        scenes, batch = self._read(data)
        measure = PairMeasure(scenes)
        measure.update(self._answer(batch.inputs), batch)
        return evaluation_of(measure, batch.size)

    def validate(self, request: RunRequest, cache: Path, progress: Progress) -> Evaluation:
        return validated(build(request, cache, self._device, progress), self._answer)

    @torch.no_grad()
    def _answer(self, inputs: Any) -> Tensor:
        return torch.stack([model(inputs) for model in self._models]).mean(0)

    def _read(self, data: Path) -> tuple[tuple[str, ...], PairBatch]:
        path = data / "pairs.npz"
        if not path.is_file():
            raise DataError(f"{path}: not there")
        file = np.load(path)
        scenes, places = np.unique(file["scene"], return_inverse=True)
        first, second, targets = (
            torch.from_numpy(file[name]).to(self._device) for name in ("first", "second", LABEL)
        )
        batch = PairBatch((first, second), targets, torch.from_numpy(places).to(self._device))
        return tuple(map(str, scenes)), batch
