"""Small runs of v6 that learn from one another."""

import datetime as dt
from pathlib import Path

import msgspec

from core import job
from core.config.registry import default_path, load
from core.run.request import RunRequest
from core.run.rundir import RunDir
from tests.toy import new_run

TINY = [
    "model.name=tcn", "model.channels=[8]", "training.epochs=2", "training.warmup_epochs=0",
    "training.batch_size=4", "data.validation_fraction=0.4", "data.source=competition",
    "hardware.device=cpu",
]  # fmt: skip


def requested(data: Path, name: str, overrides: list[str], **more: object) -> RunRequest:
    return RunRequest(
        run=f"v6-20260101T000000-{name}",
        created=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        launcher="local",
        seed=1,
        experiment=load(default_path()).experiment("v6", [*TINY, *overrides], "demo"),
        data=str(data),
        **more,  # type: ignore[arg-type]
    )


def started(home: Path, request: RunRequest) -> RunDir:
    run = RunDir(home / "runs" / request.run)
    run.write_request(request)
    assert job.main([str(run.path)]) == 0
    return run


def toy_that(run: Path, **training: object) -> RunRequest:
    """Return a request of the toy task with some training settings."""
    toy = new_run(run).read_request()
    settings = msgspec.structs.replace(toy.experiment.training, **training)
    return msgspec.structs.replace(
        toy, experiment=msgspec.structs.replace(toy.experiment, training=settings)
    )
