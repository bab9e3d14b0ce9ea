"""Write the events of pairs runs that look trained, without any training."""

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from core.run.emitter import Emitter
from core.run.events import DataReady, Epoch, Finished, RunStarted, Step
from core.run.request import Resolved
from core.run.rundir import RunDir
from tests.toy import new_run

ATTEMPT = "0001-aaaa"


def tell_pairs(home: Path, name: str, errors: Sequence[float], version: str = "p1") -> RunDir:
    """Write a finished run.

    Args:
        home: the home folder.
        name: the last four letters of its id.
        errors: the primary metric after each epoch.
        version: ``p1`` or ``p2``.
    """
    run = new_run(home / "runs" / f"{version}-20261201T030000-{name}", version)
    found = Resolved(
        code_version="c", data_fingerprint="f", train_units=("s1",), validation_units=("s2", "s3"),
        torch="2", threads=1, device="cpu", validation_source="s",
    )  # fmt: skip
    run.write_request(replace(run.read_request(), resolved=found))
    log = run.log_path(ATTEMPT)
    log.parent.mkdir(parents=True)
    with Emitter(ATTEMPT, run.events_path(ATTEMPT)) as emitter:
        emitter.emit(
            RunStarted, run=run.id, experiment=version, device="cpu", device_name="cpu", torch="2",
            threads=1, code_version="c", pid=1, seed=1,
        )  # fmt: skip
        emitter.emit(
            DataReady, fingerprint="f", train_units=8, validation_units=2, train_examples=64,
            validation_examples=16, train_samples=64, steps_per_epoch=8, input_size=32, parameters=9,
            falling=("mae", "loss"),
        )  # fmt: skip
        for epoch, error in enumerate(errors, start=1):
            emitter.emit(
                Step, epoch=epoch, step=8 * epoch, epoch_step=8, epoch_steps=8, loss=error**2,
                learning_rate=1e-3, gradient_norm=0.5, frames_per_second=640.0,
            )  # fmt: skip
            emitter.emit(
                Epoch, epoch=epoch, step=8 * epoch, seconds=1.0, train_loss=error**2,
                learning_rate=1e-3, gradient_norm=0.5, frames_per_second=640.0,
                metrics={"mae": error, "loss": error**2},
            )  # fmt: skip
        best = min(errors)
        emitter.emit(
            Finished, epoch=len(errors), step=8 * len(errors), reason="epochs", monitor="mae",
            best_epoch=errors.index(best) + 1, best_metric=best, seconds=1.0,
        )  # fmt: skip
    log.write_bytes(run.events_path(ATTEMPT).read_bytes())
    return run
