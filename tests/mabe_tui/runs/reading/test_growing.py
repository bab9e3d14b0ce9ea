"""Folding events incrementally gives the same result as folding all of them at once."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.run.events import AnyEvent, Step, System
from core.run.history import History, fold
from core.run.rundir import RunDir
from mabe_tui.runs.reading.growing import GrowingFold
from tests.mabe_tui.runs.telling import Telling


def resumed() -> Telling:
    """Three attempts: the second resumes after epoch 1 and discards half of epoch 2."""
    told = Telling(RunDir(Path("nowhere")), files=False)
    told.begin("0001-aaaa").epoch(1)
    saved = told.saved
    told.epoch(2, steps=2)
    told.resume("0002-bbbb", saved).epoch(2).epoch(3, precision=0.5)
    told.resume("0003-cccc", told.saved).epoch(4)
    return told


EVENTS = resumed().events


def lasting(events: list[AnyEvent]) -> list[AnyEvent]:
    return [event for event in events if not isinstance(event, Step | System)]


def assert_same(grown: GrowingFold, whole: History) -> None:
    history = grown.history
    assert lasting(history.events) == lasting(whole.events)
    assert lasting(history.superseded) == lasting(whole.superseded)
    assert history.last_step == whole.last_step
    assert history.last_system == whole.last_system
    assert history.seconds == whole.seconds
    assert history.counted == whole.counted
    counts = grown.points.counts(grown.points.steps, history.counted)
    steps = grown.points.steps
    of_points = list(zip(steps["step"][counts], steps["loss"][counts], strict=True))
    assert of_points == [(step.step, step.loss) for step in whole.of(Step)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(EVENTS)), max_size=6))
def test_any_split_gives_the_same(cuts: list[int]) -> None:
    grown, at = GrowingFold(), 0
    for cut in [*sorted(cuts), len(EVENTS)]:
        assert grown.feed(EVENTS[at:cut]) == EVENTS[at:cut]
        at = cut
        assert_same(grown, fold(EVENTS[:cut]))


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(len(EVENTS))), st.integers(1, len(EVENTS)))
def test_any_order_and_repetition_gives_the_same(order: list[int], size: int) -> None:
    grown = GrowingFold()
    shuffled = [EVENTS[index] for index in order]
    for at in range(0, len(shuffled), size):
        grown.feed(shuffled[max(0, at - 3) : at + size])  # the last three come again
    assert_same(grown, fold(EVENTS))
    points = grown.points
    assert (np.diff(points.paid(points.steps)) > 0).all()


def test_a_growing_attempt_is_not_folded_anew() -> None:
    told = Telling(RunDir(Path("nowhere")), files=False).begin("0001-aaaa").epoch(1)
    grown = GrowingFold()
    grown.feed(told.events)
    turns, known = grown.turns, len(told.events)
    told.epoch(2)
    for event in told.events[known:]:
        grown.feed([event])
    assert grown.turns == turns
    assert len(grown.history.epochs) == 2
    told.resume("0002-bbbb", told.saved)
    grown.feed(told.events[-1:])
    assert grown.turns == turns + 1


def test_metrics_that_come_later_are_nan_before() -> None:
    grown = GrowingFold()
    grown.feed(EVENTS)
    precision = grown.points.epochs["precision"]
    assert np.isnan(precision[:3]).all()
    assert precision[3] == 0.5


def test_time_between_attempts_is_not_paid() -> None:
    grown = GrowingFold()
    grown.feed(EVENTS)
    paid = grown.points.paid(grown.points.epochs)
    assert paid[-1] == grown.history.seconds - 10  # the checkpoint came ten seconds later
    assert paid[-1] < 3600
