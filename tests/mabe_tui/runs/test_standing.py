"""A run that is followed is summed up as one whose files are read."""

import datetime as dt
from collections.abc import Callable

import msgspec

from core.emitter import Emitter
from core.events import DataReady, Epoch, RunStarted, Step
from core.rundir import Limits, RunDir
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.reading import thin_history
from mabe_tui.runs.standing import Standing
from mabe_tui.runs.view import summarise

LATER = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)


def train(run: RunDir, epochs: int, steps: int) -> None:
    """Tell of some epochs, and of some steps of the next, out of 10."""
    attempt = run.claim_attempt()
    with Emitter(attempt, run.events_path(attempt)) as emitter:
        emitter.emit(
            RunStarted, run=run.id, experiment="v1", device="cpu", device_name="c", torch="0",
            threads=1, code_version="c", pid=1, seed=1,
        )  # fmt: skip
        emitter.emit(
            DataReady, fingerprint="f", train_videos=4, validation_videos=1, train_frames=400,
            validation_frames=100, train_windows=7, steps_per_epoch=10, input_size=2, parameters=9,
        )  # fmt: skip
        for epoch in range(1, epochs + 2):
            for step in range(1, 1 + (10 if epoch <= epochs else steps)):
                emitter.emit(
                    Step, epoch=epoch, step=10 * (epoch - 1) + step, epoch_step=step,
                    epoch_steps=10, loss=0.5, learning_rate=1e-3, gradient_norm=1.0,
                    frames_per_second=100.0,
                )  # fmt: skip
            if epoch <= epochs:
                emitter.emit(
                    Epoch, epoch=epoch, step=10 * epoch, seconds=3.0, train_loss=0.6,
                    learning_rate=1e-3, gradient_norm=1.0, frames_per_second=90.0,
                    metrics={"f1_macro": 0.2},
                )  # fmt: skip


def test_it_agrees_with_the_files_whatever_is_heard_twice(make_run: Callable[..., RunDir]) -> None:
    run = make_run()
    request = msgspec.structs.replace(run.read_request(), limits=Limits(usd_per_hour=2.0))
    run.write_request(request)
    before = Standing(run)
    train(run, epochs=2, steps=4)
    events = list(run.events())
    before.hear(events[:9])
    before.hear(reversed(events))
    expected = summarise(request, thin_history(run), RunState.RUNNING, LATER)
    assert before.summary(LATER) == Standing(run).summary(LATER) == expected
    assert (expected.epoch, expected.epoch_step, expected.epoch_steps) == (2, 4, 10)
    assert expected.cost_usd is not None


def test_what_an_earlier_attempt_cost_counts(make_run: Callable[..., RunDir]) -> None:
    run = make_run()
    train(run, epochs=1, steps=0)
    train(run, epochs=0, steps=3)
    summary = Standing(run).summary(LATER)
    assert (summary.attempts, summary.epoch, summary.epoch_step) == (2, 0, 3)
