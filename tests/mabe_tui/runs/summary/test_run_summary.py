"""The summary of a run, from synthetic events."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.run.events import (
    AnyEvent,
    Epoch,
    Failed,
    Finished,
    Resumed,
    Step,
    Stopped,
    System,
    Warned,
    encode,
)
from core.run.history import fold
from core.run.limits import Limits
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment, BehaviourTrainingConfig
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.format.event_text import best_name, best_words, state_words
from mabe_tui.runs.reading.thin_history import decoded_thin
from mabe_tui.runs.reading.thinning import extend_thin, kind_of_event, thinned
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.metric_limits import most_possible
from mabe_tui.runs.summary.run_summary import RunSummary, summarise, summary_of
from tests.mabe_tui.runs.telling import START, Telling

EPOCH = {"learning_rate": 1e-3, "gradient_norm": 1.0, "frames_per_second": 100.0}
REQUEST = RunRequest(
    run="v6-20261121T030000-abcd",
    created=START,
    launcher="local",
    seed=1,
    experiment=BehaviourExperiment(name="v6", training=BehaviourTrainingConfig(epochs=10)),
    limits=Limits(usd_per_hour=3.6),
)


class Teller(Telling):
    """Tells one attempt, ten seconds an event, in memory; only the events that a test names."""

    def __init__(self, attempt: str = "0001-aaaa", start: dt.datetime = START) -> None:
        super().__init__(RunDir(Path("nowhere")), files=False)
        self.attempt, self.now = attempt, start

    def begin(self) -> "Teller":  # type: ignore[override]
        super().begin(self.attempt)
        return self

    def step(self, epoch: int, at: int) -> "Teller":
        return self.tell(
            Step, epoch=epoch, step=4 * (epoch - 1) + at, epoch_step=at, epoch_steps=4,
            loss=0.25, **EPOCH,
        )  # fmt: skip

    def epoch(self, epoch: int, f1: float) -> "Teller":  # type: ignore[override]
        return self.tell(
            Epoch, epoch=epoch, step=4 * epoch, seconds=20.0, train_loss=0.5,
            metrics={"f1_macro": f1, "loss": 0.4}, **EPOCH,
        )  # fmt: skip

    @property
    def last(self) -> dt.datetime:
        return self.events[-1].time


def look(teller: Teller, state: RunState, later: float = 0.0) -> RunSummary:
    return summarise(REQUEST, fold(teller.events), state, teller.last + dt.timedelta(seconds=later))


def test_running_with_time_left() -> None:
    told = Teller().begin().epoch(1, 0.3).epoch(2, 0.2).step(3, at=2)
    summary = look(told, RunState.RUNNING)
    assert (summary.epoch, summary.epochs, summary.epoch_fraction) == (2, 10, 0.5)
    assert (summary.best_metric, summary.best_epoch) == (0.3, 1)
    assert summary.metrics["f1_macro"] == 0.2
    assert summary.train_loss == 0.25
    assert summary.eta_seconds == pytest.approx(7.5 * 20)
    assert summary.elapsed_seconds == 40
    assert summary.cost_usd == pytest.approx(0.04)


def test_first_epoch_gives_an_estimate_too() -> None:
    told = Teller().begin().step(1, at=1)
    assert look(told, RunState.RUNNING).eta_seconds == pytest.approx(9.75 * 40)
    assert look(Teller().begin(), RunState.RUNNING).eta_seconds is None


@pytest.mark.parametrize(("later", "stalled"), [(59.0, None), (61.0, 61.0)])
def test_stall_is_a_minute_without_a_word(later: float, stalled: float | None) -> None:
    told = Teller().begin()
    assert look(told, RunState.RUNNING, later).stalled_seconds == stalled
    assert look(told, RunState.LOST, later).stalled_seconds is None


def test_time_and_money_stop_with_the_run() -> None:
    told = Teller().begin().epoch(1, 0.1).tell(Stopped, epoch=1, step=4, reason="budget")
    summary = look(told, RunState.STOPPED, later=9999)
    assert summary.elapsed_seconds == 30
    assert summary.ended_because == "budget"
    assert summary.eta_seconds is None


def test_a_stopped_run_without_a_last_word_was_killed() -> None:
    told = Teller().begin().step(1, 1).events
    assert summarise(REQUEST, fold(told), RunState.STOPPED, START).ended_because == "killed"
    assert summarise(REQUEST, fold(told), RunState.LOST, START).ended_because is None
    assert summarise(REQUEST, fold([]), RunState.STOPPED, START).ended_because is None


def test_endings_and_warnings() -> None:
    told = Teller().begin().tell(Warned, code="few", message="too few frames")
    failed = look(told.tell(Failed, error="no frames", type="DataError"), RunState.FAILED)
    assert failed.problem == "no frames"
    assert failed.warnings == ("too few frames",)


def test_step_before_the_resume_point_is_forgotten() -> None:
    first = Teller().begin().epoch(1, 0.1).step(2, at=3)
    second = Teller("0002-bbbb", first.now).begin()
    second.tell(
        Resumed, from_attempt="0001-aaaa", from_seq=3, epoch=1, step=4, file="f", sha256="s"
    )
    summary = summarise(
        REQUEST, fold([*first.events, *second.events]), RunState.RUNNING, second.now
    )
    assert (summary.epoch, summary.epoch_fraction, summary.attempts) == (1, 0.0, 2)


@given(st.lists(st.sampled_from(["step", "system", "epoch", "warn"]), max_size=25), st.booleans())
def test_thinned_events_give_the_same_summary(kinds: list[str], finished: bool) -> None:
    told, epochs, steps = Teller().begin(), 0, 0
    for kind in kinds:
        if kind == "step":
            steps = min(4, steps + 1)
            told.step(epochs + 1, at=steps)
        elif kind == "epoch":
            epochs, steps = epochs + 1, 0
            told.epoch(epochs, f1=(epochs * 7 % 5) / 10)
        elif kind == "warn":
            told.tell(Warned, code="c", message="m")
        else:
            told.tell(System, cpu_percent=1.0, memory_mib=1.0)
    if finished:
        told.tell(
            Finished, epoch=epochs, step=1, reason="epochs", best_epoch=1, best_metric=0.1,
            monitor="f1_macro", seconds=1.0,
        )  # fmt: skip
    lines = [encode(event) for event in told.events]
    state = RunState.FINISHED if finished else RunState.RUNNING
    kept: list[AnyEvent] = []
    extend_thin(kept, decoded_thin(lines[: len(lines) // 2]))
    assert len(kept) <= len(lines)
    extend_thin(kept, decoded_thin(lines[len(lines) // 2 :]))
    assert kept == thinned(told.events, kind_of_event)
    assert summarise(REQUEST, fold(kept), state, told.now) == summarise(
        REQUEST, fold(told.events), state, told.now
    )


def test_unreadable_run_has_a_summary(tmp_path: Path) -> None:
    (tmp_path / "v6-20261121T030000-abcd").mkdir()
    summary = summary_of(RunEntry(RunDir(tmp_path / "v6-20261121T030000-abcd")))
    assert summary.state is RunState.UNKNOWN
    assert summary.version == "v6"
    assert "run.toml" in (summary.problem or "")


def test_run_of_a_launcher_that_is_not_here(make_run: Callable[..., RunDir]) -> None:

    run = make_run()
    run.write_request(replace(run.read_request(), launcher="elsewhere"))
    assert summary_of(RunEntry(run)).state is RunState.UNKNOWN


@pytest.mark.parametrize("state", [RunState.LOST, RunState.QUEUED, RunState.RUNNING])
def test_the_ending_of_an_earlier_attempt_is_not_that_of_the_newest(state: RunState) -> None:
    told = Teller().begin().epoch(1, 0.5).tell(Stopped, epoch=1, step=4, reason="user")
    history = fold(told.events)
    assert summarise(REQUEST, history, RunState.STOPPED, told.now).ended_because == "user"
    summary = summarise(REQUEST, history, state, told.now)
    assert state_words(summary) == state.value
    told = Teller().begin().tell(Failed, error="no memory", type="MemoryError")
    assert summarise(REQUEST, fold(told.events), state, told.now).problem is None


def test_what_macro_f1_cannot_pass_is_said_beside_it() -> None:
    frames = {"support/other": 90.0, "support/social": 10.0, "support/mating": 0.0}
    assert most_possible(frames | {"f1_macro": 0.6}) == pytest.approx(2 / 3)
    assert most_possible({"support/other": 90.0, "f1_macro": 0.6}) is None
    assert most_possible({"f1_macro": 0.6}) is None
    told = Teller().begin().tell(
        Epoch, epoch=1, step=4, seconds=2.0, train_loss=0.5, metrics={"f1_macro": 0.6, **frames}, **EPOCH
    )  # fmt: skip
    summary = summarise(REQUEST, fold(told.events), RunState.FINISHED, told.now)
    assert best_words(summary).startswith("0.6000 at epoch 1 (at most 0.67 on the validation data")
    assert (summary.metric, summary.best_score, summary.labels_absent) == ("f1_macro", 0.6, False)


def test_the_mean_over_the_classes_present_leads_where_validation_lacks_some() -> None:
    metrics = {
        "f1_macro": 0.6,
        "f1_macro_present": 0.9,
        "support/other": 9.0,
        "support/mating": 0.0,
    }
    told = Teller().begin().tell(
        Epoch, epoch=1, step=4, seconds=2.0, train_loss=0.5, metrics=metrics, **EPOCH
    )  # fmt: skip
    summary = summarise(REQUEST, fold(told.events), RunState.FINISHED, told.now)
    assert (summary.metric, summary.metric_label) == ("f1_macro_present", "F1 present")
    assert (summary.best_score, summary.best_metric, summary.labels_absent) == (0.9, 0.6, True)
    assert best_name(summary) == "f1_macro_present"
    assert best_words(summary) == (
        "0.9000 at epoch 1 (over the classes present: the validation data lacks some;"
        " f1_macro 0.6000, at most 0.50)"
    )


def test_the_primary_metric_leads_also_where_another_is_monitored() -> None:
    experiment = replace(
        REQUEST.experiment, training=replace(REQUEST.experiment.training, monitor="accuracy")
    )
    told = Teller().begin()
    for epoch, (f1, accuracy) in enumerate([(0.5, 0.8), (0.4, 0.9)], start=1):
        metrics = {"f1_macro": f1, "accuracy": accuracy}
        told = told.tell(
            Epoch, epoch=epoch, step=4, seconds=2.0, train_loss=0.5, metrics=metrics, **EPOCH
        )
    request = replace(REQUEST, experiment=experiment)
    summary = summarise(request, fold(told.events), RunState.FINISHED, told.now)
    assert (summary.metric, summary.best_score, summary.best_metric) == ("f1_macro", 0.4, 0.9)
    assert best_words(summary) == "0.4000 at epoch 2 (where accuracy 0.9000 is best)"
