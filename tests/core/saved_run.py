"""Runs with a tiny, random checkpoint."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from core.config.experiment import to_table
from core.models.build import build_model
from core.models.input_spec import InputSpec
from core.run.emitter import Emitter
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from core.training.checkpoint import CheckpointStore

SaveRun = Callable[..., RunDir]


@pytest.fixture
def save_run(tmp_path: Path) -> SaveRun:
    """Create a run whose `best` and `last` are the same checkpoint with random weights."""

    def save(
        experiment: BehaviourExperiment,
        spec: InputSpec,
        task_state: Mapping[str, Any] | None = None,
        seed: int = 0,
        parts: Mapping[str, Any] | None = None,
    ) -> RunDir:
        torch.manual_seed(seed)
        run = RunDir(tmp_path / "runs" / f"tiny-{seed}-20260101T000000-abcd")
        run.path.mkdir(parents=True)
        content = {
            "experiment": to_table(experiment),
            "input_spec": spec.table(),
            "model": build_model(experiment.model, spec).state_dict(),
            "task": dict(task_state or {}),
            **{name: {} for name in ("average", "optimizer", "schedule", "scaler", "progress")},
            "rng": [],
        }
        attempt = run.claim_attempt()
        with Emitter(attempt, run.events_path(attempt)) as emitter:
            CheckpointStore(run).save(
                content | dict(parts or {}),
                emitter=emitter,
                epoch=1,
                step=10,
                pointers=("best", "last"),
            )
        return run

    return save
