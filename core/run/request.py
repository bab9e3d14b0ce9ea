"""``run.toml``: everything that was requested of a run, and what its first attempt resolved."""

import datetime as dt
import hashlib
import tomllib
from collections.abc import Sequence
from typing import Any

import msgspec

from core.config.decode import experiment_from, task_named
from core.config.experiment import DEFAULT_TASK, Experiment
from core.config.section import Seed
from core.errors import ConfigError, RunError
from core.run.events import KEYS_OF_DATA
from core.run.limits import Limits

FORMAT = 1


class Resolved(msgspec.Struct, frozen=True, kw_only=True, rename=KEYS_OF_DATA):
    """What the first attempt resolved; a resume warns if anything differs."""

    code_version: str
    data_fingerprint: str
    train_units: tuple[str, ...]
    validation_units: tuple[str, ...]
    torch: str
    threads: int
    device: str
    processes: int = 1
    """Number of processes that share each batch."""
    features_by: str = "torch"
    """What computes features: the last digit of a sum may depend on it."""
    validation_source: str | None = None
    """Hash of the validation units' files, however they are prepared; ``None`` in older runs."""


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """A run that this one is made from, and the checkpoint of it that counts."""

    run: str
    """Id of the run; its folder is beside this run's."""
    file: str
    """The checkpoint, as in the member's ``best.json``."""
    sha256: str


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """``run.toml``: everything that was requested. Never contains a secret."""

    format: int = FORMAT
    run: str
    created: dt.datetime
    launcher: str
    seed: Seed
    experiment: Experiment
    """Has the experiment type of its task; see :func:`request_from`."""
    overrides: tuple[str, ...] = ()
    preset: str | None = None
    data: str | None = None
    """The data folder; unset if the experiment generates its own data."""
    imported: bool = False
    """Whether the run was imported from an old log: nothing was run here, so it can be neither resumed nor
    evaluated."""
    limits: Limits = Limits()
    registry: str | None = None
    """Path of the registry that the experiment was resolved from."""
    task_source: str | None = None
    """Folder in which the task's module was found, if the task is named ``module:ATTRIBUTE``."""
    inputs: tuple[Input, ...] = ()
    """Runs whose predictions this one averages: it is an ensemble."""
    averaged: tuple[Input, ...] = ()
    """Checkpoints whose weights this run has the mean of; it is not trained, but measured."""
    start: Input | None = None
    """The run and checkpoint whose weights this one begins with, as ``training.start_from`` asks."""
    pseudo: tuple[Input, ...] = ()
    """The runs and checkpoints that predict labels for this one, as ``training.pseudo_labels`` asks."""
    teacher: tuple[Input, ...] = ()
    """The runs and checkpoints whose probabilities this one learns from, as ``training.teacher`` asks."""
    teacher_kept: Input | None = None
    """The predictions that the teacher kept, which count instead where they have a unit: they are of models
    that have not learned from it."""
    epochs_from: tuple[str, ...] = ()
    """Runs of folds whose median best epoch this one, which trains on everything, trains for."""
    resolved: Resolved | None = None
    """Written by the job once the data are known."""

    @property
    def is_combined(self) -> bool:
        """Whether it is made of finished runs, and so has no seeds of its own."""
        return bool(self.inputs or self.averaged)


def pooled_source(sources: Sequence[str | None]) -> str | None:
    """Return what is the same only for the same validation units, of runs that share them out.

    Args:
        sources: ``validation_source`` of each run; one alone is returned as it is.
    """
    known = [source for source in sources if source is not None]
    if len(known) < len(sources):
        return None
    if len(known) == 1:
        return known[0]
    return hashlib.sha256(" ".join(sorted(known)).encode()).hexdigest()


def request_from(table: dict[str, Any], where: str) -> RunRequest:
    """Decode a request, with its experiment typed by the task that it names.

    Args:
        table: as :func:`core.config.experiment.to_table` returns it.
        where: names the file in error messages.

    Raises:
        RunError: it is not a request, has a newer format, or names a task that is not installed here.
    """
    if isinstance(table.get("format"), int) and table["format"] > FORMAT:
        raise RunError(
            f"{where}: written by a newer mabe (format {table['format']}, this one reads {FORMAT});"
            " update mabe to read it"
        )
    stated = table.get("experiment")
    if not isinstance(stated, dict):
        raise RunError(
            f"{where}: no [experiment] table; it was not written by this version of mabe"
        )
    try:
        task_named(stated.get("task", DEFAULT_TASK), f"{where}: experiment.task")
    except ConfigError as error:
        source = table.get("task_source")
        hint = f"; it was found in {source}, where mabe finds it" if source else ""
        raise RunError(f"{error}{hint}") from error
    try:
        experiment = experiment_from(stated, lambda key: f"{where}: experiment.{key}")
        bare = msgspec.convert({**table, "experiment": {"name": experiment.name}}, RunRequest)
    except ConfigError as error:
        raise RunError(f"{error}; it was not written by this version of mabe") from error
    except msgspec.ValidationError as error:
        raise RunError(f"{where}: {error}; it was not written by this version of mabe") from error
    return msgspec.structs.replace(bare, experiment=experiment)


def decode_request(text: str | bytes) -> RunRequest:
    """Decode the content of a ``run.toml`` that came from elsewhere.

    Raises:
        RunError: it is not TOML or not a request; see :func:`request_from`.
    """
    try:
        table = tomllib.loads(text if isinstance(text, str) else text.decode())
    except ValueError as error:
        raise RunError(f"run.toml: cannot be read ({error})") from error
    return request_from(table, "run.toml")
