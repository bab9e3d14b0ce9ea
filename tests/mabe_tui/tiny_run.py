"""A run trained on very little data."""

from pathlib import Path

import msgspec

from core import job
from core.config.registry import Registry, default_path, load
from core.data.synthetic import SyntheticSettings, synthesise
from core.run.rundir import RunDir
from mabe_tui.runs.launching.run_requests import LaunchOptions, new_request, requests_for

TINY = (
    "model.name=tcn",
    "model.channels=[8]",
    "training.epochs=3",
    "training.warmup_epochs=0",
    "training.batch_size=8",
    "training.save_every=1",
    "data.validation_fraction=0.5",
)
FRAMES = 300
SMALL = (
    "hardware.device=cpu", "model.name=mlp", "model.hidden_size=8", "training.epochs=1",
    "training.batch_size=8", "training.warmup_epochs=0",
)  # fmt: skip
"""Overrides by which a version of behaviour trains for one epoch in a moment."""


def synthetic_folder(folder: Path) -> Path:
    """Make four videos of :data:`FRAMES` frames."""
    synthesise(folder, SyntheticSettings(videos=4, frames=FRAMES), workers=1)
    return folder


def train(home: Path, data: Path) -> RunDir:
    """Train a scaled-down v6 for three epochs on two of the videos; all epochs' checkpoints stay."""
    experiment = load(default_path()).experiment("v6", [*TINY], "demo")
    request = new_request(experiment, "local", data=data)
    run = RunDir(home / "runs" / request.run)
    run.write_request(request)
    assert job.main([str(run.path)]) == 0
    return run


def train_here(home: Path, options: LaunchOptions, registry: Registry | None = None) -> None:
    """Train what the options ask for, in this process."""
    for request in requests_for(
        registry or load(default_path()), msgspec.structs.replace(options, launcher="local")
    ):
        run = RunDir(home / "runs" / request.run)
        run.write_request(request)
        assert job.main([str(run.path)]) == 0
