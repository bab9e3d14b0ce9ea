"""The validation examples that a run's best epoch got most wrong, and their images."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.config.task_modules import load_attribute
from core.errors import DataError
from core.evaluation.predictions import UNIT, read_predictions
from core.run.places import cache_of_run
from core.system.progress import Progress
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.tasks import require_view, spec_of

VIEW = "examples"
HOW_TO_KEEP = (
    "has kept no predictions; `mabe run VERSION --keep-predictions` keeps them, of a new run"
)


class WorstExample(msgspec.Struct, frozen=True, kw_only=True):
    """One validation example, and what the run says of it."""

    unit: str
    truth: str
    """Its true label."""
    prediction: str
    """The likeliest label."""
    probability: float
    """Of the true label; 0 if the model gave NaN."""

    @property
    def is_right(self) -> bool:
        """Whether the likeliest label is the true one."""
        return self.truth == self.prediction


def worst_examples(entry: RunEntry, count: int | None = None) -> list[WorstExample]:
    """Return the validation examples of a run, from the least to the greatest probability of the true label.

    Args:
        entry: the run.
        count: number of examples; by default all.

    Raises:
        MisuseError: its task has no examples to look at.
        DataError: it has kept no predictions, or they are damaged.
    """
    require_view(VIEW, entry.require_request().experiment)
    path: Path = entry.run.predictions
    if not path.is_file():
        raise DataError(f"{entry.id} {HOW_TO_KEEP}")
    found = read_predictions(path)
    place = {label: number for number, label in enumerate(found.labels)}
    truths = [place[label] for label in found.examples["label"].to_pylist()]
    values = np.nan_to_num(found.probabilities, nan=0.0)
    of_truth = values[np.arange(len(truths)), truths]
    units = found.examples[UNIT].to_pylist()
    likeliest = values.argmax(axis=1)
    return [
        WorstExample(
            unit=units[row],
            truth=found.labels[truths[row]],
            prediction=found.labels[likeliest[row]],
            probability=float(of_truth[row]),
        )
        for row in np.argsort(of_truth, kind="stable")[:count].tolist()
    ]


def images_of(
    entry: RunEntry,
    units: Sequence[str],
    data: Path | None = None,
    progress: Progress | None = None,
) -> list[tuple[NDArray[np.float32], ...]]:
    """Return the images of some examples of a run, ``(height, width)`` each, from 0 to 1.

    Args:
        entry: the run.
        units: ids of the examples.
        data: where the data are now; by default, where the run found them.
        progress: called with (done, total, what) if the data must be prepared again.

    Raises:
        UserError: the data are gone, or not those of the run.
    """
    request = entry.require_request()
    require_view(VIEW, request.experiment)
    pictures = spec_of(request.experiment).pictures
    if pictures is None:
        raise DataError(f"task {request.experiment.task!r} names no pictures of its examples")
    if data is not None:
        request = msgspec.structs.replace(request, data=str(data))
    cache = cache_of_run(entry.run.path)
    found: list[tuple[NDArray[np.float32], ...]] = load_attribute(pictures)(
        request, cache, units, progress or (lambda *_: None)
    )
    return found
