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


class Collected:
    """Collects the updates and problems of a feed."""

    def __init__(self, run: RunDir) -> None:
        self.updates: queue.Queue[FeedUpdate] = queue.Queue()
        self.problems: queue.Queue[str] = queue.Queue()
        self.now = dt.datetime(2026, 11, 21, 4, tzinfo=dt.UTC)
        self.feed = RunFeed(run, self.updates.put, self.problems.put, lambda: self.now)

    def until(self, condition: Callable[[FeedUpdate], object]) -> FeedUpdate:
        while True:
            look = self.updates.get(timeout=LONG)
            if condition(look):
                return look


@pytest.fixture
def telling(make_run: Callable[..., RunDir]) -> Telling:
    return Telling(make_run()).begin("0001-aaaa").epoch(1).epoch(2)


@pytest.fixture
def collected(telling: Telling) -> Iterator[Collected]:
    collected = Collected(telling.run)
    collected.feed.start()
    yield collected
    collected.feed.close()


def test_only_requested_charts_are_drawn(collected: Collected) -> None:
    assert collected.updates.get(timeout=LONG).charts == {}
    collected.feed.request(FeedRequest(charts=("loss", "f1_macro"), tail=3))
    look = collected.until(lambda look: look.charts)
    assert [one.name for one in look.charts["loss"].series] == ["train_loss", "validation_loss"]
    assert len(look.tail) == 3
    assert look.tail[-1].position == look.log.stop - 1


def test_a_turn_that_fails_is_reported_once_and_tried_again(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll, failures = LiveRun.poll, iter([OSError("the disk is full")] * 3)

    def fail_first(live: LiveRun, now: dt.datetime) -> Update:
        for failure in failures:
            raise failure
        return poll(live, now)

    monkeypatch.setattr(LiveRun, "poll", fail_first)
    collected = Collected(telling.run)
    collected.feed.start()
    collected.feed.request(FeedRequest(charts=("loss",)))
    assert collected.until(lambda look: look.summary.epoch == 2)
    assert [collected.problems.get_nowait()] == ["the disk is full"]
    assert collected.problems.empty()
    collected.feed.close()


def test_chart_that_has_not_changed_is_the_same_object(
    collected: Collected, telling: Telling
) -> None:
    collected.feed.request(FeedRequest(charts=("loss", "f1_macro")))
    first = collected.until(lambda look: look.charts).charts
    telling.words(b"hello")
    lines = telling.run.log_path("0001-aaaa").read_bytes().count(b"\n")
    second = collected.until(lambda look: look.log.stop - look.log.first == lines).charts
    assert second["loss"] is first["loss"]
    telling.epoch(3)
    third = collected.until(lambda look: look.summary.epoch == 3).charts
    assert third["f1_macro"] is not first["f1_macro"]


def test_jobs_run_in_order_and_their_errors_are_reported(collected: Collected) -> None:
    done: queue.Queue[int] = queue.Queue()

    def fail(_: object) -> None:
        raise RunError("no such thing")

    collected.feed.ask(lambda _: done.put(1))
    collected.feed.ask(fail)
    collected.feed.ask(lambda _: done.put(2))
    assert [done.get(timeout=LONG), done.get(timeout=LONG)] == [1, 2]
    assert collected.problems.get(timeout=LONG) == "no such thing"


def test_dollars_without_a_price_are_reported_and_the_rest_is_shown(collected: Collected) -> None:
    collected.feed.request(FeedRequest(charts=("loss",), view=ChartOptions(Axis.DOLLARS)))
    assert "costs an hour is not known" in collected.problems.get(timeout=LONG)
    assert collected.until(lambda look: look.summary.epoch == 2).charts == {}


def test_run_without_a_request_is_reported(make_run: Callable[..., RunDir]) -> None:
    run = make_run()
    (run.path / "run.toml").unlink()
    collected = Collected(run)
    collected.feed.start()
    assert "run.toml" in collected.problems.get(timeout=LONG)


def test_replay_has_another_log_and_ends_where_the_run_is(collected: Collected) -> None:
    collected.feed.request(FeedRequest(charts=("loss",)))
    live = collected.until(lambda look: look.charts)
    collected.feed.toggle_replay()
    begun = collected.until(lambda look: look.replay is not None)
    assert begun.log.generation != live.log.generation
    assert begun.log.stop - begun.log.first == 1
    assert not begun.charts["loss"].series
    assert begun.replay is not None
    collected.now += dt.timedelta(seconds=2 * begun.replay.duration)
    ended = collected.until(
        lambda look: look.replay and look.replay.position == look.replay.duration
    )
    assert ended.log.stop - ended.log.first == live.log.stop - live.log.first
    collected.feed.toggle_replay()
    assert collected.until(lambda look: look.replay is None).log.generation == live.log.generation


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
