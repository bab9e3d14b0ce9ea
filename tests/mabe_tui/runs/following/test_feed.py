"""A run kept up to date by a thread."""

import datetime as dt
import queue
from collections.abc import Callable, Iterator

import pytest

from core.errors import RunError
from core.run.rundir import RunDir
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.following.chart_cache import ChartCache, ChartOptions
from mabe_tui.runs.following.feed import RunFeed
from mabe_tui.runs.following.feed_update import FeedRequest, FeedUpdate
from mabe_tui.runs.following.jumps import line_at, x_at
from mabe_tui.runs.following.live import LiveRun, Update
from tests.mabe_tui.runs.telling import Telling
from tests.waiting import LONG


class Told:
    """What a feed told, taken one by one."""

    def __init__(self, run: RunDir) -> None:
        self.looks: queue.Queue[FeedUpdate] = queue.Queue()
        self.problems: queue.Queue[str] = queue.Queue()
        self.now = dt.datetime(2026, 11, 21, 4, tzinfo=dt.UTC)
        self.feed = RunFeed(run, self.looks.put, self.problems.put, lambda: self.now)

    def until(self, condition: Callable[[FeedUpdate], object]) -> FeedUpdate:
        while True:
            look = self.looks.get(timeout=LONG)
            if condition(look):
                return look


@pytest.fixture
def telling(make_run: Callable[..., RunDir]) -> Telling:
    return Telling(make_run()).begin("0001-aaaa").epoch(1).epoch(2)


@pytest.fixture
def told(telling: Telling) -> Iterator[Told]:
    told = Told(telling.run)
    told.feed.start()
    yield told
    told.feed.close()


def test_only_what_is_wished_for_is_made(told: Told) -> None:
    assert told.looks.get(timeout=LONG).charts == {}
    told.feed.request(FeedRequest(charts=("loss", "f1_macro"), tail=3))
    look = told.until(lambda look: look.charts)
    assert [one.name for one in look.charts["loss"].series] == ["train_loss", "validation_loss"]
    assert len(look.tail) == 3
    assert look.tail[-1].position == look.log.stop - 1


def test_a_turn_that_fails_is_told_once_and_tried_again(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll, failures = LiveRun.poll, iter([OSError("the disk is full")] * 3)

    def fail_first(live: LiveRun, now: dt.datetime) -> Update:
        for failure in failures:
            raise failure
        return poll(live, now)

    monkeypatch.setattr(LiveRun, "poll", fail_first)
    told = Told(telling.run)
    told.feed.start()
    told.feed.request(FeedRequest(charts=("loss",)))
    assert told.until(lambda look: look.summary.epoch == 2)
    assert [told.problems.get_nowait()] == ["the disk is full"]
    assert told.problems.empty()
    told.feed.close()


def test_chart_that_has_not_changed_is_the_same_object(told: Told, telling: Telling) -> None:
    told.feed.request(FeedRequest(charts=("loss", "f1_macro")))
    first = told.until(lambda look: look.charts).charts
    telling.words(b"hello")
    lines = telling.run.log_path("0001-aaaa").read_bytes().count(b"\n")
    second = told.until(lambda look: look.log.stop - look.log.first == lines).charts
    assert second["loss"] is first["loss"]
    telling.epoch(3)
    third = told.until(lambda look: look.summary.epoch == 3).charts
    assert third["f1_macro"] is not first["f1_macro"]


def test_jobs_are_done_in_order_and_their_errors_told(told: Told) -> None:
    done: queue.Queue[int] = queue.Queue()

    def fail(_: object) -> None:
        raise RunError("no such thing")

    told.feed.ask(lambda _: done.put(1))
    told.feed.ask(fail)
    told.feed.ask(lambda _: done.put(2))
    assert [done.get(timeout=LONG), done.get(timeout=LONG)] == [1, 2]
    assert told.problems.get(timeout=LONG) == "no such thing"


def test_dollars_without_a_price_are_told_and_the_rest_is_shown(told: Told) -> None:
    told.feed.request(FeedRequest(charts=("loss",), view=ChartOptions(Axis.DOLLARS)))
    assert "costs an hour is not known" in told.problems.get(timeout=LONG)
    assert told.until(lambda look: look.summary.epoch == 2).charts == {}


def test_run_without_a_request_is_told(make_run: Callable[..., RunDir]) -> None:
    run = make_run()
    (run.path / "run.toml").unlink()
    told = Told(run)
    told.feed.start()
    assert "run.toml" in told.problems.get(timeout=LONG)


def test_replay_has_another_log_and_ends_where_the_run_is(told: Told) -> None:
    told.feed.request(FeedRequest(charts=("loss",)))
    live = told.until(lambda look: look.charts)
    told.feed.toggle_replay()
    begun = told.until(lambda look: look.replay is not None)
    assert begun.log.generation != live.log.generation
    assert begun.log.stop - begun.log.first == 1
    assert not begun.charts["loss"].series
    assert begun.replay is not None
    told.now += dt.timedelta(seconds=2 * begun.replay.duration)
    ended = told.until(lambda look: look.replay and look.replay.position == look.replay.duration)
    assert ended.log.stop - ended.log.first == live.log.stop - live.log.first
    told.feed.toggle_replay()
    assert told.until(lambda look: look.replay is None).log.generation == live.log.generation


def test_point_and_line_are_found_from_each_other(telling: Telling) -> None:
    source = LiveRun(telling.run, launcher=_Ended())  # type: ignore[arg-type]
    source.poll(telling.now)
    position = line_at(source, "f1_macro", Axis.EPOCH, 1.9)
    assert position is not None
    row = source.log.lines(position, 1)[0]
    assert row.event is not None
    assert row.event.epoch == 2  # type: ignore[union-attr]
    assert x_at(source, Axis.EPOCH, position) == 2.0
    assert x_at(source, Axis.STEP, source.log.first) == 1.0
    assert line_at(source, "f1_macro", Axis.EPOCH, 1.9) == position


def test_chart_of_nothing_measured_is_empty(make_run: Callable[..., RunDir]) -> None:
    source = LiveRun(Telling(make_run()).begin("0001-aaaa").run, launcher=_Ended())  # type: ignore[arg-type]
    source.poll()
    names = ("loss", "score", "labels", "gradient_norm", "use")
    charts = ChartCache().charts(source, names, ChartOptions())
    assert [charts[name].series for name in names] == [()] * 5


def test_classes_are_called_by_their_names(telling: Telling) -> None:
    telling.epoch(3, **{"f1/mating": 0.2, "f1/other": 0.9})
    source = LiveRun(telling.run, launcher=_Ended())  # type: ignore[arg-type]
    source.poll()
    panel = ChartCache().charts(source, ("labels",), ChartOptions())["labels"]
    assert [one.name for one in panel.series] == ["mating", "other"]


class _Ended:
    def state(self, _: RunDir) -> object:
        from mabe_tui.launch.launcher import RunState

        return RunState.FINISHED
