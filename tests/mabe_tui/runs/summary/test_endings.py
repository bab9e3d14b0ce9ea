"""The reported ending agrees with the run's history and pointers over all attempts."""

from collections.abc import Callable

import pytest

from core.run.emitter import Emitter
from core.run.events import Epoch, RunStarted
from core.run.records import Pointer
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import StopOutcome
from mabe_tui.runs.summary.endings import resume_words, stop_words

MakeRun = Callable[..., RunDir]


def speak(run: RunDir, epochs: int) -> None:
    """Let an attempt complete so many epochs."""
    attempt = run.claim_attempt()
    with Emitter(attempt, run.events_path(attempt)) as emitter:
        emitter.emit(
            RunStarted, run=run.id, experiment="v1", device="cpu", device_name="c", torch="2",
            threads=1, code_version="c", pid=1, seed=1,
        )  # fmt: skip
        for epoch in range(1, epochs + 1):
            emitter.emit(
                Epoch, epoch=epoch, step=epoch, seconds=1.0, train_loss=1.0, learning_rate=1e-3,
                gradient_norm=1.0, frames_per_second=1.0, metrics={"f1_macro": 0.5},
            )  # fmt: skip


def save(run: RunDir, epoch: int) -> None:
    """Let ``last`` name a checkpoint."""
    run.write_pointer(
        "last",
        Pointer(
            file=f"step-{epoch:07d}.pt", sha256="s", bytes=1, epoch=epoch, step=epoch,
            attempt=run.attempts()[0], seq=epoch,
        ),
    )  # fmt: skip


@pytest.fixture
def run(make_run: MakeRun) -> RunDir:
    return make_run()


def test_a_run_with_a_checkpoint_is_said_to_have_one(run: RunDir) -> None:
    speak(run, 3)
    save(run, 3)
    assert stop_words(run, StopOutcome.CLEAN) == "stopped; its last checkpoint is saved"
    assert "the last is of epoch 3, step 3" in stop_words(run, StopOutcome.KILLED)
    assert resume_words(run) == "goes on from its last checkpoint (epoch 3, step 3)"


def test_a_run_without_a_checkpoint_is_not(run: RunDir) -> None:
    speak(run, 0)
    for outcome in (StopOutcome.CLEAN, StopOutcome.KILLED):
        said = stop_words(run, outcome)
        assert "no checkpoint" in said
        assert "is saved" not in said
    assert "from the beginning: it has no checkpoint" in resume_words(run)


def test_only_a_run_that_never_spoke_is_stopped_before_it_had_begun(run: RunDir) -> None:
    run.claim_attempt()
    assert stop_words(run, StopOutcome.BEFORE_START) == "stopped before it had begun"
    speak(run, 198)
    save(run, 198)
    run.claim_attempt()  # a resume that has not said a word
    said = stop_words(run, StopOutcome.BEFORE_START)
    assert said == (
        "stopped before its newest attempt had begun, after epoch 198; its last checkpoint is saved"
    )


def test_a_damaged_pointer_is_neither_a_checkpoint_nor_none(run: RunDir) -> None:
    speak(run, 1)
    run.checkpoints.mkdir(exist_ok=True)
    (run.checkpoints / "last.json").write_text("{")
    for outcome in (StopOutcome.CLEAN, StopOutcome.BEFORE_START):
        said = stop_words(run, outcome)
        assert "is saved" not in said
        assert "damaged" in said
    assert "can be read" in resume_words(run)


@pytest.mark.parametrize("outcome", StopOutcome)
def test_each_outcome_is_said_on_one_line(outcome: StopOutcome, run: RunDir) -> None:
    assert stop_words(run, outcome)
    assert "\n" not in stop_words(run, outcome)
