"""Facts about a run's data before it starts; no image is read, and torch is not loaded."""

from pathlib import Path

from core.config.task_spec import DataSizes
from core.errors import DataError
from core.tasks.pairs.data.digits import HOW_TO_INSTALL, DigitSettings
from core.tasks.pairs.data.prepared import open_files, source_key
from core.tasks.pairs.settings import PairsExperiment


def describe_data(experiment: PairsExperiment, folder: Path | None) -> str:
    """Describe the data of a run, after checking that it can learn from them.

    Args:
        experiment: the experiment of the run.
        folder: has train.npz and val.npz; ``None`` if the run makes pairs of digits.

    Raises:
        DataError: the files or arrays are missing or do not fit together, a label is neither 0 nor 1, or
            scikit-learn is missing.
    """
    if folder is None:
        return _own(experiment)
    files = open_files(folder, experiment.data.arrays)
    parts = []
    for file in files:
        positive = int(file.labels().sum())
        parts.append(
            f"{file.path.name} {file.pairs:,} pairs ({positive / file.pairs:.0%} positive)"
        )
    height, width = files[0].size
    return f"{folder}: {', '.join(parts)} of {height}×{width} images"


def _own(experiment: PairsExperiment) -> str:
    from importlib.util import find_spec

    if find_spec("sklearn") is None:
        raise DataError(HOW_TO_INSTALL)
    settings = DigitSettings.of(experiment.data)
    train, validation, _ = settings.counts
    return (
        f"handwritten digits, relation {settings.relation}: {train:,} pairs to learn from, {validation:,} to"
        " validate"
    )


def data_key(experiment: PairsExperiment, folder: Path) -> str:
    """Hash what training would read: names, sizes and times of the files, and names of the arrays.

    Raises:
        DataError: train.npz cannot be read.
    """
    return source_key(folder, experiment.data.arrays)


def data_sizes(experiment: PairsExperiment) -> DataSizes:
    """Return the bytes of a pair on a GPU, and the number of pairs of digits."""
    if experiment.data.source != "digits":
        return DataSizes(bytes_per_example=0)
    train, validation, _ = DigitSettings.of(experiment.data).counts
    return DataSizes(bytes_per_example=0, examples=train + validation, samples=train)
