"""Metrics of a user's own: rate, order, names."""

import math
from pathlib import Path

import pytest

from core.run import free_metrics
from core.run.emitter import Emitter
from core.run.events import CheckpointSaved, Epoch, FreeMetrics, System, Warned
from core.run.free_metrics import WaitingMetrics, log_metrics, reporting_to
from core.run.rundir import read_events

SYSTEM = {"cpu_percent": 1.0, "memory_mib": 1.0}
EPOCH = {
    "epoch": 1, "step": 4, "seconds": 1.0, "train_loss": 1.0, "learning_rate": 1.0,
    "gradient_norm": 1.0, "frames_per_second": 1.0, "metrics": {},
}  # fmt: skip


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def emitter(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Emitter:
    monkeypatch.setattr("core.run.emitter.WaitingMetrics", lambda: WaitingMetrics(clock))
    with Emitter("0001-abcd", tmp_path / "events.jsonl", stream=open("/dev/null", "w")) as made:  # noqa: PTH123
        yield made


def told(tmp_path: Path) -> list[tuple[int, dict[str, float]]]:
    events = read_events(tmp_path / "events.jsonl")
    return [(e.step, e.values) for e in events if isinstance(e, FreeMetrics)]


def test_outside_a_job_nothing_happens() -> None:
    log_metrics({"a": 1.0})


def test_the_first_is_written_at_once_and_later_ones_once_a_second(
    emitter: Emitter, clock: Clock, tmp_path: Path
) -> None:
    with reporting_to(emitter):
        for step in range(100):
            emitter.step = step
            clock.now = step / 10
            log_metrics({"a": step})
    steps = [step for step, _ in told(tmp_path)]
    assert steps == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]


def test_what_waits_is_written_before_the_epoch_and_its_checkpoint(
    emitter: Emitter, tmp_path: Path
) -> None:
    emitter.report({"a": 1.0}, 1)
    emitter.report({"a": 2.0}, 2)
    emitter.report({"b": 3.0}, 3)
    emitter.emit(System, **SYSTEM)
    assert told(tmp_path) == [(1, {"a": 1.0})]
    emitter.emit(Epoch, **EPOCH)
    emitter.report({"a": 4.0}, 4)
    saved = {"epoch": 1, "step": 4, "file": "f", "sha256": "s", "bytes": 1, "pointers": ()}
    emitter.reserve(lambda seq: (CheckpointSaved, saved | {"metric": float(seq)}))
    events = [*read_events(tmp_path / "events.jsonl")]
    kinds = [type(event).__name__ for event in events]
    assert kinds == [
        "FreeMetrics", "System", "FreeMetrics", "FreeMetrics", "Epoch", "FreeMetrics",
        "CheckpointSaved",
    ]  # fmt: skip
    assert [event.seq for event in events] == [*range(1, 8)]
    assert events[-1].metric == 7.0


def test_steps_are_remembered_apart(emitter: Emitter, tmp_path: Path) -> None:
    emitter.report({"x": 0.0}, 0)
    emitter.report({"a": 1.0, "b": 1.0}, 1)
    emitter.report({"b": 2.0}, 2)
    emitter.emit(Warned, code="c", message="m")
    assert told(tmp_path)[1:] == [(1, {"a": 1.0}), (2, {"b": 2.0})]


def test_nan_and_infinity_stay(emitter: Emitter, tmp_path: Path) -> None:
    with reporting_to(emitter):
        log_metrics({"a": math.nan, "b": math.inf})
    (values,) = [values for _, values in told(tmp_path)]
    assert math.isnan(values["a"])
    assert values["b"] == math.inf


@pytest.mark.parametrize("name", ["", "loss", "time", "a b", "a,b", "a+b", "a\n", "x" * 101])
def test_names_that_mean_something_else_are_refused(emitter: Emitter, name: str) -> None:
    with reporting_to(emitter), pytest.raises(ValueError, match="metric "):
        log_metrics({name: 1.0})


def test_too_many_names_are_refused(emitter: Emitter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_metrics, "MOST_NAMES", 2)
    emitter.report({"a": 1.0, "b": 1.0}, 1)
    with pytest.raises(ValueError, match="more than 2 names"):
        emitter.report({"c": 1.0}, 1)
    with reporting_to(emitter), pytest.raises((TypeError, ValueError)):
        log_metrics({"a": "no number"})  # type: ignore[dict-item]
