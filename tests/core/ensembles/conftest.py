"""Small runs of behaviour, each different one trained once a module."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import torch

from core import job
from core.config.decode import experiment_from
from core.run.request import RunRequest
from core.run.rundir import RunDir
from tests.core.ensembles.made_up import Train

EXPERIMENT = {
    "name": "tiny",
    "actions": {"chase": "social", "sniffbody": "social", "approach": "social", "mount": "mating"},
    "hardware": {"device": "cpu"},
    "data": {"synthetic_videos": 4, "synthetic_frames": 150, "window": 25, "stride": 25},
    "model": {"name": "mlp", "hidden_size": 8},
    "training": {"epochs": 2, "batch_size": 4, "learning_rate": 0.01, "keep_predictions": True},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for runs, with jobs deaf to signals and on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.training.stopping.StopWatch.install", lambda _: None)
        patch.setattr("warnings.showwarning", lambda *_, **__: None)
        yield tmp_path_factory.mktemp("home") / "runs"
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="module")
def train(folder: Path) -> Train:
    """Train a run, each different one once."""
    made: dict[str, RunDir] = {}

    def run(seed: int = 1, **changes: object) -> RunDir:
        table = msgspec.json.decode(msgspec.json.encode(EXPERIMENT))
        for key, value in {"training.seed": seed, **changes}.items():
            section, _, name = key.partition(".")
            if name:
                table[section][name] = value
            else:
                table[section] = value
        key = repr(table)
        if key not in made:
            experiment = experiment_from(table, str)
            run = RunDir(folder / f"tiny-20260101T0000{len(made):02d}-abcd")
            run.write_request(
                RunRequest(
                    run=run.id,
                    created=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
                    launcher="local",
                    seed=seed,
                    experiment=experiment,
                )
            )
            assert job.main([str(run.path)]) == 0
            made[key] = run
        return made[key]

    return run
