"""From a run's request to checked pairs and the task on them."""

import hashlib
from pathlib import Path

import msgspec
import torch

from core.config.experiment import Experiment
from core.errors import DataError
from core.run.request import RunRequest
from core.system.lock import in_turn
from core.system.progress import Progress
from core.tasks.pairs.data.digits import DigitSettings, write_digit_pairs
from core.tasks.pairs.data.prepared import PreparedPairs, prepare
from core.tasks.pairs.settings import pairs_of
from core.tasks.pairs.task import PairsTask


def build_task(
    request: RunRequest, cache: Path, device: torch.device, progress: Progress
) -> PairsTask:
    """Find or make the pairs that a run asks for, and build its task on them.

    Raises:
        DataError: the pairs are missing, damaged or too few.
        ConfigError: the experiment is of another task.
    """
    experiment = pairs_of(request.experiment, "training")
    prepared = open_data(experiment, request.data, cache, progress)
    return PairsTask(experiment, prepared, device, request.seed)


def prepare_data(request: RunRequest, cache: Path, progress: Progress) -> None:
    """Check the pairs that a run asks for, where that has not been done; see :func:`open_data`."""
    open_data(request.experiment, request.data, cache, progress)


def open_data(
    experiment: Experiment, data: str | None, cache: Path, progress: Progress
) -> PreparedPairs:
    """Open the pairs of an experiment, checking them first where that has not been done.

    Args:
        experiment: names the arrays, or the pairs of digits to make.
        data: a folder with train.npz and val.npz; ``None`` if the experiment makes its own.
        cache: where prepared pairs and those of digits are kept.
        progress: called with (done, total, what); what it raises ends the preparation.

    Raises:
        DataError: no data where some are needed, or data that cannot be used.
        ConfigError: the experiment is of another task.
    """
    config = pairs_of(experiment, "preparing pairs").data
    if data is not None:
        folder = Path(data)
    elif config.source == "digits":
        folder = _digits(DigitSettings.of(config), cache, progress)
    else:
        raise DataError(
            f"{experiment.name} learns from pairs of yours: name their folder with --data"
            " (`mabe data pairs DIR` makes one like it)"
        )
    return prepare(folder, cache, config.arrays, progress)


def _digits(settings: DigitSettings, cache: Path, progress: Progress) -> Path:
    """Return the folder of pairs of digits, which all runs with the same settings share."""
    key = hashlib.sha256(msgspec.json.encode(settings)).hexdigest()[:16]
    folder = cache / f"digits-{key}"
    waiting = "waiting for another job that makes the same pairs"
    with in_turn(folder.with_name(f".{folder.name}.lock"), progress, waiting):
        if not (folder / "train.npz").is_file():  # it is written last
            progress(0, 0, "pairing digits")
            for rest in folder.glob("*.npz"):
                rest.unlink()
            write_digit_pairs(folder, settings)
    return folder
