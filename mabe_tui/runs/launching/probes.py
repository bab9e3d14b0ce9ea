"""Results of GPU probes, kept on disk: one file for each pair of settings and GPU."""

import datetime as dt
import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from core.config.experiment import Experiment, identity
from core.run import places
from core.system.files import UNDECODABLE, write_bytes_atomically
from core.training.probe_report import ProbeReport
from mabe_tui.runs.listing.seeds import digest

HERE = "this computer"
"""Placeholder for a GPU's name."""
OF_NO_STEP = (
    "actions.",
    "hardware.",
    "data.source",
    "data.split_seed",
    "data.fold",
    "data.synthetic_",
    "data.validation_",
    "training.seed",
    "training.epochs",
    "training.early_stopping_patience",
    "training.save_every",
    "training.keep_last",
    "training.keep_predictions",
)
"""Settings, or prefixes of their names, that change neither the time nor the memory of a step."""


class KeptProbe(msgspec.Struct, frozen=True, kw_only=True):
    """One probe, and when it was made."""

    gpu: str
    time: dt.datetime
    report: ProbeReport
    usd: float | None = None
    """Cost of the probe, as far as it can be estimated here."""


def step_digest(experiment: Experiment) -> str:
    """Return a digest that two experiments share only if their steps take the same time and memory."""
    settings = identity(experiment).items()
    return digest({key: value for key, value in settings if not key.startswith(OF_NO_STEP)})


def keep_probe(experiment: Experiment, probe: KeptProbe) -> None:
    """Save a probe, replacing an earlier one with the same settings, GPU and torch version."""
    path = _folder(experiment) / f"{_name(probe.gpu)}-{probe.report.torch}.json"
    write_bytes_atomically(path, msgspec.json.encode(probe))


def kept_probes(experiment: Experiment) -> dict[str, KeptProbe]:
    """Return the probes of a version's settings with the installed torch version, by GPU."""
    return {probe.gpu: probe for probe in _read(_folder(experiment))}


def torch_version() -> str:
    """Return the installed version of torch, without importing it."""
    return importlib.metadata.version("torch").partition("+")[0]


def _read(folder: Path) -> Iterator[KeptProbe]:
    for path in sorted(folder.glob("*.json")):
        try:
            probe = msgspec.json.decode(path.read_bytes(), type=KeptProbe)
        except (OSError, *UNDECODABLE):  # written by another version: a new probe replaces it
            continue
        if probe.report.torch == torch_version():
            yield probe


def _folder(experiment: Experiment) -> Path:
    return places.state() / "probes" / step_digest(experiment)


def _name(gpu: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", gpu)
