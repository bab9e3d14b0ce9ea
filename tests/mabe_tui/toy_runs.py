"""Trained runs of the toy task, in a home folder with its registry."""

from pathlib import Path

from core import job
from tests.toy import new_run, write_registry

SCENES = "data.scenes=30"
"""Of which six are for validation: enough for a verdict."""
SLOW = "training.learning_rate=0.0005"
"""Of p2, which then learns far less in so few epochs."""
SEEDS = (1, 2, 3)


def train_two_versions(home: Path) -> Path:
    """Train three seeds of ``p1`` and of ``p2``; returns the registry."""
    for version, overrides in (("p1", [SCENES]), ("p2", [SCENES, SLOW])):
        for seed in SEEDS:
            run = home / "runs" / f"{version}-20260101T0{seed}0000-{version}s{seed}"
            assert job.main([str(new_run(run, version, overrides, seed).path)]) == 0
    return write_registry(home)
