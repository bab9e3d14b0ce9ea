"""Free metrics as curves."""

import math
from pathlib import Path

import pytest

from core.errors import RunError
from core.run.events import FreeMetrics
from core.run.rundir import RunDir
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.curves.curves import curve, curve_names, curves_named
from mabe_tui.runs.reading.growing import GrowingFold
from mabe_tui.runs.reading.thinning import kind_of_event, thinned
from tests.mabe_tui.runs.telling import Telling


@pytest.fixture
def told(tmp_path: Path) -> Telling:
    return Telling(RunDir(tmp_path / "r"), files=False).begin("0001-aaaa")


def fed(told: Telling) -> GrowingFold:
    fold = GrowingFold()
    fold.feed(told.events)
    return fold


def values(fold: GrowingFold, name: str, axis: Axis) -> tuple[list[float], list[float]]:
    x, y = curve(fold.points, fold.history, name, axis).counted
    return x.tolist(), y.tolist()


def test_a_free_metric_is_drawn_over_every_axis(told: Telling) -> None:
    told.epoch(1)
    told.tell(FreeMetrics, step=2, values={"norm/a": 1.0, "norm/b": 3.0})
    told.tell(FreeMetrics, step=6, values={"norm/a": math.nan})
    told.epoch(2)
    fold = fed(told)
    assert {"norm/a", "norm/b"} <= {*curve_names(fold.points)}
    assert curves_named(fold.points, "norm") == ["norm/a", "norm/b"]
    assert curves_named(fold.points, "free") == ["norm/a", "norm/b"]
    steps, found = values(fold, "norm/a", Axis.STEP)
    assert steps == [2, 6]
    assert found[0] == 1.0
    assert math.isnan(found[1])
    assert values(fold, "norm/a", Axis.EPOCH)[0] == [0.5, 1.5]
    times = values(fold, "norm/a", Axis.TIME)[0]
    assert times == sorted(times)


def test_what_a_resume_supersedes_counts_no_more(told: Telling) -> None:
    told.epoch(1)
    saved = told.saved
    told.tell(FreeMetrics, step=5, values={"a": 1.0})
    told.resume("0002-bbbb", saved)
    told.tell(FreeMetrics, step=5, values={"a": 2.0})
    fold = fed(told)
    assert values(fold, "a", Axis.STEP) == ([5.0], [2.0])
    assert curve(fold.points, fold.history, "a", Axis.STEP).y.tolist() == [1.0, 2.0]


def test_a_name_of_the_task_stays_the_tasks(told: Telling) -> None:
    told.tell(FreeMetrics, step=1, values={"f1_macro": 9.0})
    told.epoch(1)
    fold = fed(told)
    assert values(fold, "f1_macro", Axis.STEP)[1] == [0.1]
    assert values(fold, "free/f1_macro", Axis.STEP)[1] == [9.0]
    with pytest.raises(RunError, match="no curve 'free/f1'"):
        curves_named(fold.points, "free/f1")


def test_a_run_without_any_has_none(told: Telling) -> None:
    fold = fed(told.epoch(1))
    assert curves_named(fold.points, "free") == []


def test_late_events_find_their_place(told: Telling) -> None:
    told.epoch(1)
    for step in range(5, 9):
        told.tell(FreeMetrics, step=step, values={"a": float(step)})
    fold = GrowingFold()
    fold.feed(told.events[:-3] + told.events[-1:])
    fold.feed(told.events[-3:-1])
    assert values(fold, "a", Axis.STEP)[0] == [5, 6, 7, 8]


def test_they_are_thinned_as_heartbeats_are(told: Telling) -> None:
    for step in range(100):
        told.tell(FreeMetrics, step=step, values={"a": 1.0})
    few = thinned(told.events, kind_of_event)
    assert len(few) == 3
    assert few[-1] == told.events[-1]
