"""Following a run for a screen: updates are delivered once, and some raise an alarm."""

import datetime as dt
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from core.run.events import Failed, Finished, Step, Warned, encode
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.following.live import LiveRun
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.run_summary import summary_from
from tests.mabe_tui.runs.telling import Telling

ENDING = {"epoch": 1, "step": 4, "reason": "epochs"}
BEST = {"best_epoch": 1, "best_metric": 0.1, "monitor": "f1_macro", "seconds": 1.0}


@pytest.fixture
def telling(make_run: Callable[..., RunDir]) -> Telling:
    return Telling(make_run()).begin("0001-aaaa").epoch(1)


def followed(telling: Telling, state: RunState = RunState.RUNNING) -> tuple[LiveRun, Any]:
    """The run, and a launcher that says what its ``now`` is set to."""
    launcher = SimpleNamespace(now=state, asked=0)

    def answer(_: RunDir) -> RunState:
        launcher.asked += 1
        return launcher.now

    launcher.state = answer
    return LiveRun(telling.run, launcher), launcher


def alerts(live: LiveRun, telling: Telling, later: float = 0.0) -> list[tuple[str, str, str]]:
    found = live.poll(telling.now + dt.timedelta(seconds=later)).alerts
    return [(alert.kind, alert.severity, alert.message) for alert in found]


def test_each_event_and_line_comes_once(telling: Telling) -> None:
    live, _ = followed(telling)
    assert list(live.poll(telling.now).events) == telling.events
    assert live.poll(telling.now).events == ()
    known = len(telling.events)
    telling.words(b"hello").epoch(2)
    update = live.poll(telling.now)
    assert list(update.events) == telling.events[known:]
    rows = live.log.lines(live.log.stop - update.new_lines, update.new_lines)
    assert rows[0].text == "hello"
    assert [row.event for row in rows[1:]] == telling.events[known:]
    assert len(live.points.steps) == 8


def test_event_file_that_is_rewritten_gives_only_what_is_new(telling: Telling) -> None:
    live, _ = followed(telling)
    path = telling.run.events_path("0001-aaaa")
    whole = path.read_bytes()
    missing = encode(telling.events[4]) + b"\n"
    path.write_bytes(whole.replace(missing, b""))
    assert len(live.poll(telling.now).events) == len(telling.events) - 1
    fuller = path.with_name("fuller")
    fuller.write_bytes(whole)
    fuller.replace(path)
    assert live.poll(telling.now).events == (telling.events[4],)
    assert live.points.steps["seq"].tolist() == [3, 5, 7, 9]


def test_summary_is_that_of_the_command_line(telling: Telling) -> None:
    live, _ = followed(telling)
    live.poll(telling.now)
    entry = RunEntry(telling.run)
    expected = summary_from(entry, telling.run.history(), RunState.RUNNING, telling.now)
    assert live.summary(telling.now) == expected


def test_launcher_is_asked_once_a_second_and_at_an_ending(telling: Telling) -> None:
    live, launcher = followed(telling)
    live.poll(telling.now)
    live.poll(telling.now + dt.timedelta(seconds=0.5))
    assert launcher.asked == 1
    live.poll(telling.now + dt.timedelta(seconds=1))
    assert launcher.asked == 2
    telling.tell(Finished, **ENDING, **BEST)
    launcher.now = RunState.FINISHED
    found = live.poll(telling.now - dt.timedelta(seconds=9))
    assert live.state is RunState.FINISHED
    assert [alert.kind for alert in found.alerts] == ["ended"]


def test_not_a_number_is_told_once_until_it_is_a_number_again(telling: Telling) -> None:
    live, _ = followed(telling)
    assert alerts(live, telling) == []
    telling.epoch(2, loss=math.nan, steps=2)
    told = alerts(live, telling)
    assert ("not_a_number", "error", "train_loss is nan in epoch 2, step 3") in told
    assert [message.split()[0] for _, _, message in told] == ["train_loss", "loss"]
    telling.epoch(3, loss=math.nan)
    assert alerts(live, telling) == []
    telling.epoch(4)
    assert alerts(live, telling) == []
    telling.epoch(5, loss=math.inf)
    assert len(alerts(live, telling)) == 2


def test_alert_names_its_event(telling: Telling) -> None:
    live, _ = followed(telling)
    live.poll(telling.now)
    telling.epoch(2, loss=math.nan)
    at = live.poll(telling.now).alerts[0].at
    assert at is not None
    position = live.log.line_of(at)
    assert position is not None
    assert isinstance(live.log.lines(position, 1)[0].event, Step)


def test_silence_is_told_once_until_it_speaks(telling: Telling) -> None:
    live, _ = followed(telling)
    assert alerts(live, telling, later=40) == []
    [(kind, severity, message)] = alerts(live, telling, later=52)
    assert (kind, severity, message) == ("stall", "warning", "silent for 0:01:02 (h:mm:ss)")
    assert alerts(live, telling, later=200) == []
    telling.epoch(2)
    assert alerts(live, telling) == []
    assert len(alerts(live, telling, later=100)) == 1


@pytest.mark.parametrize(
    ("state", "severity"),
    [(RunState.FINISHED, "information"), (RunState.LOST, "error"), (RunState.PREEMPTED, "warning")],
)
def test_end_is_told_once(telling: Telling, state: RunState, severity: str) -> None:
    live, launcher = followed(telling)
    live.poll(telling.now)
    launcher.now = state
    assert alerts(live, telling, later=2) == [("ended", severity, str(state))]
    assert alerts(live, telling, later=4) == []


def test_what_had_ended_before_is_no_news(telling: Telling) -> None:
    telling.epoch(2, loss=math.nan).tell(Failed, error="e", type="T")
    live, _ = followed(telling, RunState.FAILED)
    assert alerts(live, telling) == []


def test_first_look_tells_only_how_it_is_now(telling: Telling) -> None:
    telling.epoch(2, loss=math.nan).tell(Warned, code="few", message="few frames")
    telling.epoch(3)
    assert alerts(followed(telling)[0], telling) == []
    telling.epoch(4, loss=math.nan)
    found = alerts(followed(telling)[0], telling)
    assert found[0] == ("not_a_number", "error", "train_loss is nan in epoch 4, step 16")


def test_failure_says_why(telling: Telling) -> None:
    live, launcher = followed(telling)
    live.poll(telling.now)
    telling.tell(Failed, error="out of memory", type="T")
    launcher.now = RunState.FAILED
    assert alerts(live, telling) == [("ended", "error", "failed: out of memory")]


def test_warnings_and_resumes_are_told(telling: Telling) -> None:
    live, _ = followed(telling)
    live.poll(telling.now)
    telling.tell(Warned, code="few", message="few frames")
    telling.resume("0002-bbbb", telling.saved)
    assert alerts(live, telling) == [
        ("warning", "warning", "few frames"),
        ("resumed", "information", "attempt 0002-bbbb goes on after epoch 1"),
    ]
