"""Curves over epochs, steps, time and dollars; superseded points; and the event of each point."""

import math
from pathlib import Path

import numpy as np
import pytest

from core.errors import RunError
from core.run.events import Epoch, Identity, Step, System, identity
from core.run.limits import Limits
from core.run.rundir import RunDir
from mabe_tui.plotting.smoothing import ema
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.curves.curves import curve, curve_names, curves_in, curves_named, series_of
from mabe_tui.runs.curves.panels import RunNumbers, curves_of, panels, usual_charts
from mabe_tui.runs.reading.growing import GrowingFold
from mabe_tui.runs.tasks import default_spec
from tests.mabe_tui.runs.telling import Telling


def numbers(telling: Telling, label: str = "v6", price: float | None = 3.6) -> RunNumbers:
    fold = GrowingFold()
    fold.feed(telling.events)
    return RunNumbers(label, fold.points, fold.history, Limits(usd_per_hour=price))


def begun() -> Telling:
    return Telling(RunDir(Path("nowhere")), files=False).begin("0001-aaaa")


@pytest.fixture
def told() -> Telling:
    """Epoch 1, half of what was epoch 2, and, after a resume, epoch 2 again."""
    telling = begun().epoch(1, **{"f1/mating": 0.25})
    saved = telling.saved
    return telling.epoch(2, steps=2).resume("0002-bbbb", saved).epoch(2)


def one(run: RunNumbers, name: str, axis: Axis = Axis.EPOCH) -> tuple[list[float], list[float]]:
    found = curve(run.points, run.history, name, axis, run.limits)
    x, y = found.counted
    return x.tolist(), y.tolist()


def test_what_was_taken_back_is_marked_and_not_counted(told: Telling) -> None:
    run = numbers(told)
    assert one(run, "f1_macro") == ([1, 2], [0.1, 0.2])
    assert one(run, "validation_loss") == ([1, 2], [0.5, 0.5])
    assert one(run, "train_loss")[0] == [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]
    loss = curve(run.points, run.history, "train_loss", Axis.STEP)
    assert loss.x[loss.superseded].tolist() == [3, 4]
    faint, line = series_of(loss, "loss", show_superseded=True)
    assert (faint.style, np.size(faint.x), line.name) == ("faint", 2, "loss")


def test_time_and_dollars_count_what_was_paid_for(told: Telling) -> None:
    run = numbers(told)
    by_time, f1 = one(run, "f1_macro", Axis.TIME)
    attempts = [[e for e in told.events if e.attempt == a] for a in ("0001-aaaa", "0002-bbbb")]
    first = 10 * (len(attempts[0]) - 1)  # all of the first attempt, superseded or not
    second = next(10 * i for i, e in enumerate(attempts[1]) if isinstance(e, Epoch))
    assert by_time == [10 * 10, first + second]
    assert one(run, "f1_macro", Axis.DOLLARS) == ([t / 1000 for t in by_time], f1)
    with pytest.raises(RunError, match="costs an hour is not known"):
        one(numbers(told, price=None), "f1_macro", Axis.DOLLARS)


def test_readings_of_the_machine_find_their_place(told: Telling) -> None:
    x, cpu = one(numbers(told), "cpu_percent", Axis.STEP)
    assert (np.diff(x) >= 0).all()
    assert (x[0], x[-1], set(cpu)) == (1.5, 8, {50.0})


def test_names_and_groups(told: Telling) -> None:
    points = numbers(told).points
    assert curve_names(points) == [
        "train_loss", "validation_loss", "f1_macro", "f1/mating", "learning_rate",
        "gradient_norm", "frames_per_second", "cpu_percent", "memory_mib",
    ]  # fmt: skip
    assert curves_named(points, "loss") == ["train_loss", "validation_loss"]
    assert curves_named(points, "f1") == ["f1/mating"]
    assert curves_named(points, "system") == ["cpu_percent", "memory_mib"]
    assert curves_named(points, "gpu_percent") == []
    assert curves_named(points, "f1_macro+f1+f1_macro") == ["f1_macro", "f1/mating"]
    with pytest.raises(RunError, match="did you mean 'f1_macro'"):
        curves_named(points, "f1_marco")


def test_the_task_names_the_curves_of_a_chart(told: Telling) -> None:
    points, spec = numbers(told).points, default_spec()
    assert curves_in("score", points, spec) == "f1_macro"
    assert curves_in("labels", points, spec) == "f1"
    assert curves_in("use", points, spec) == "use"
    assert usual_charts([numbers(told)]) == ["loss", "f1_macro"]


def test_the_mean_over_the_classes_present_is_drawn_where_some_are_absent() -> None:
    absent = {"f1_macro_present": 0.6, "f1_macro_behaviours": 0.2, "support/mating": 0.0}
    told = begun().epoch(1, **absent)
    run = numbers(told)
    assert curves_in("score", run.points, run.spec) == "f1_macro_present+f1_macro_behaviours"
    assert usual_charts([run]) == ["loss", "f1_macro_present"]


def test_run_without_steps_has_the_epochs_losses() -> None:
    telling = begun().epoch(1, loss=0.75, steps=0)
    assert one(numbers(telling), "train_loss") == ([1], [0.75])


def test_a_point_knows_its_event_and_an_event_its_point(told: Telling) -> None:
    run = numbers(told)
    loss = curve(run.points, run.history, "train_loss", Axis.EPOCH)
    steps = [event for event in told.events if isinstance(event, Step)]
    for index, step in enumerate(steps):
        assert loss.identity(index) == identity(step)
        assert loss.index_of(identity(step)) == index
    nearest = loss.nearest(1.26)
    assert nearest is not None
    assert loss.identity(nearest).attempt == "0002-bbbb"  # not the one that was taken back
    assert loss.index_of(Identity("0002-bbbb", 2)) == 5  # before its first step: the last so far
    assert loss.index_of(Identity("0001-aaaa", 1)) == 0
    assert loss.index_of(Identity("0009-zzzz", 1)) is None


def test_smoothed_line_lies_over_the_raw_one(told: Telling) -> None:
    run = numbers(told)
    f1 = curve(run.points, run.history, "f1_macro", Axis.EPOCH)
    raw, line = series_of(f1, "f1", smooth=0.5)
    assert (raw.style, raw.name) == ("faint", "")
    assert np.asarray(line.y).tolist() == ema([0.1, 0.2], 0.5).tolist()


def test_panels_overlay_runs_and_keep_their_lines_apart(told: Telling) -> None:
    runs = [numbers(told, "v5"), numbers(begun().epoch(1), "v6")]
    loss, f1 = panels(runs, ["loss", "f1"], smooth=0.5)
    named = {series.name: line for series, line in zip(loss.series, loss.lines, strict=True)}
    assert list(named)[1:] == [
        "v5 train_loss", "v6 train_loss", "v5 validation_loss", "v6 validation_loss"
    ]  # fmt: skip
    assert sorted(loss.lines) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len({s.style for s in loss.series if s.name}) == 4
    assert [s.name for s in f1.series if s.name] == ["v5"]
    assert "v5 train_loss" in loss.chart(100, 16).text
    with pytest.raises(RunError, match="no curve 'nothing'"):
        curves_of(runs, ["nothing"], Axis.EPOCH)


def test_epochs_are_whole_once_there_is_one(told: Telling) -> None:
    first = begun()
    first.epoch(1)
    first.events = [event for event in first.events if getattr(event, "step", 0) < 4]
    [begun_chart] = panels([numbers(first)], ["train_loss"])
    [later_chart] = panels([numbers(told)], ["train_loss"])
    assert (begun_chart.x_kind, later_chart.x_kind) == ("linear", "integer")


def test_readings_before_the_first_step_have_a_place() -> None:
    run = numbers(begun().tell(System, cpu_percent=50.0, memory_mib=10.0))
    for axis in (Axis.EPOCH, Axis.STEP):
        assert one(run, "cpu_percent", axis) == ([0], [50])
    (panel,) = panels([run], ["cpu_percent"], Axis.EPOCH)
    assert "NaN" not in panel.chart(60, 12).text


def test_before_the_first_epoch_any_name_may_be_one_to_come() -> None:
    run = begun().tell(
        Step, epoch=1, step=1, epoch_step=1, epoch_steps=4, loss=0.5, learning_rate=1e-3,
        gradient_norm=1.0, frames_per_second=100.0,
    )  # fmt: skip
    assert curves_named(numbers(run).points, "f1_macro") == []
    with pytest.raises(RunError, match="no curve 'f1_macr'; did you mean 'f1_macro'"):
        curves_named(numbers(run.epoch(1)).points, "f1_macr")


def test_a_loss_that_an_old_log_does_not_tell_is_no_curve() -> None:
    run = begun().tell(
        Epoch, epoch=1, step=1, seconds=1.0, train_loss=math.nan, learning_rate=math.nan,
        gradient_norm=math.nan, frames_per_second=math.nan, metrics={"f1_macro": 0.1},
    )  # fmt: skip
    assert curve_names(numbers(run).points) == ["f1_macro"]
