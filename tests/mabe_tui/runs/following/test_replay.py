"""A replay shows at each moment what following the run would have shown."""

import datetime as dt
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from core.run.events import Finished
from core.run.history import fold
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.following.replay import Replay
from tests.mabe_tui.runs.telling import START, Telling

LAUNCHER = SimpleNamespace(state=lambda _: RunState.FINISHED)


@pytest.fixture
def told(make_run: Callable[..., RunDir]) -> Telling:
    telling = Telling(make_run()).begin("0001-aaaa").words(b"first words").epoch(1)
    telling.resume("0002-bbbb", telling.saved).epoch(2).words(b"near the end")
    telling.tell(
        Finished, epoch=2, step=8, reason="epochs", best_epoch=2, best_metric=0.2,
        monitor="f1_macro", seconds=1.0,
    )  # fmt: skip
    return telling.words(b"last words")


def at(seconds: float) -> dt.datetime:
    return START + dt.timedelta(days=30, seconds=seconds)


def played(replay: Replay, seconds: float) -> list[object]:
    return list(replay.poll(at(seconds)).events)


def test_events_come_at_their_time_without_the_pause_between_attempts(told: Telling) -> None:
    replay = Replay(told.run, LAUNCHER, speed=10)
    assert replay.duration == 10 * (len(told.events) - 1) - 10  # no pause, and no step into it
    assert played(replay, 0) == told.events[:1]
    assert played(replay, 1) == told.events[1:2]
    assert replay.state is RunState.RUNNING
    assert replay.summary().elapsed_seconds == 10
    assert played(replay, 9999) == told.events[2:]
    assert replay.state is RunState.FINISHED
    whole = fold(told.events)
    assert replay.history.epochs == whole.epochs
    assert replay.history.counted == whole.counted


def test_pause_speed_and_seek(told: Telling) -> None:
    replay = Replay(told.run, LAUNCHER, speed=10)
    replay.poll(at(0))
    replay.paused = True
    assert played(replay, 50) == []
    replay.paused, replay.speed = False, 20
    assert played(replay, 51) == told.events[1:3]
    replay.paused = True
    replay.seek(90)
    assert replay.poll(at(51)).events
    assert len(replay.points.steps) == 4
    replay.seek(35)
    assert played(replay, 51) == told.events[:4]
    assert replay.history.events[-1] == told.events[3]
    assert replay.summary(at(51)).elapsed_seconds == 35


def test_log_shows_what_was_printed_by_then(told: Telling) -> None:
    replay = Replay(told.run, LAUNCHER, speed=1)
    shown = 0
    for second in range(0, int(replay.duration) + 20, 10):
        shown += replay.poll(at(second)).new_lines
        texts = [row.text for row in replay.log.lines(replay.log.first, 999)]
        assert len(texts) == shown
        assert ("first words" in texts) == (second >= 20)
        assert ("last words" in texts) == (replay.position == replay.duration)
    replay.seek(0)
    replay.poll(at(second))
    assert len(replay.log.lines(replay.log.first, 999)) == 1


def test_run_that_said_nothing(make_run: Callable[..., RunDir]) -> None:
    replay = Replay(make_run(), SimpleNamespace(state=lambda _: RunState.LOST))
    assert replay.duration == 0
    assert replay.poll(at(0)).events == ()
    assert replay.state is RunState.LOST
    assert replay.summary().epoch == 0
