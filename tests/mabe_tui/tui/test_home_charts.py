"""The charts of the home screen: which runs and curves they draw, and what is kept."""

from pathlib import Path

from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Input, Static

from core.run.events import Step, decode, encode
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.tui.screens.home.charts_pane import ChartsPane
from mabe_tui.tui.screens.home.screen import HomeScreen
from mabe_tui.tui.widgets.chart import ChartView
from tests.mabe_tui.tui.run_screen import until
from tests.mabe_tui.tui.test_home import LARGE, SMALL, cell, experiments, runs, settle


def home(pilot: Pilot) -> HomeScreen:
    screen = pilot.app.screen
    assert isinstance(screen, HomeScreen)
    return screen


def titles(pilot: Pilot) -> list[str]:
    return [chart.axes.title for chart in home(pilot).charts.grid.views]


def lines(chart: ChartView) -> list[str]:
    return [one.name for one in chart.series if one.name]


async def test_home_opens_on_the_newest_run_and_draws_it(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        assert experiments(pilot).selected == "v7"
        assert runs(pilot).selected.endswith("ff46")
        charts = home(pilot).charts.grid.views
        assert titles(pilot)[:2] == ["f1_macro", "train_loss"]
        assert lines(charts[0]) == ["v7-ff46"]


async def test_runs_are_drawn_over_one_another_in_the_colours_of_their_rows(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("up")
        await settle(pilot)
        chart = home(pilot).charts.grid.views[0]
        assert lines(chart) == ["v6-cc43", "v6-cc42", "v6-ee45", "v6-dd44"]
        styles = [row.styles[0] for row in runs(pilot).rows]
        assert styles == [f"curve-{line}" for line in chart.lines]
        await pilot.press("up", "space", "space")
        await settle(pilot)
        assert lines(home(pilot).charts.grid.views[0]) == ["v5 (2 seeds)", "v6 (2 seeds)"]
        assert cell(experiments(pilot), "v5", "sign") == "●"


async def test_a_pattern_chooses_the_curves_and_says_what_is_wrong(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("m", *"f1/")
        await settle(pilot)
        assert titles(pilot) == ["f1/other", "f1/social", "f1/mating", "f1/aggressive"]
        await pilot.press("(")
        error = home(pilot).query_one("#pattern-error", Static)
        assert "unterminated subpattern" in str(error.render())
        assert titles(pilot)[0] == "f1/other"
        await pilot.press("backspace", "enter")
        assert not home(pilot).query_one("#pattern", Input).display
        assert isinstance(pilot.app.focused, ChartView)


async def test_pattern_axis_and_smoothing_are_kept_and_patterns_in_views(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("m", *"loss", "enter", "x", "e", "v", *"losses", "enter", "m")
        await pilot.press(*["backspace"] * 4, *"rate", "enter")
        await settle(pilot)
        assert pilot.app.view_state.read().views["losses"].charts == "loss"
        async with make_app().run_test(size=LARGE) as second:
            await settle(second)
            request = home(second).charts.request
            assert (request.pattern, request.axis, request.smooth) == ("rate", Axis.STEP, 0.6)
            await second.press("v", *"losses", "enter")
            await settle(second)
            assert titles(second) == ["train_loss, smoothed 0.6", "validation_loss, smoothed 0.6"]


async def test_pages_go_round(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        first = titles(pilot)
        await pilot.press("]")
        await settle(pilot)
        assert not {*first} & {*titles(pilot)}
        await pilot.press("[")
        await settle(pilot)
        assert titles(pilot) == first


async def test_cursor_and_zoom_are_shared_and_columns_line_up(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("up")
        await settle(pilot)
        views = home(pilot).charts.grid.views
        views[0].focus()
        await pilot.press("left", "left", "+")
        await pilot.pause()
        assert {view.cursor for view in views} == {views[0].cursor}
        assert {view.x_range for view in views} == {views[0].x_range}
        columns: dict[int, set[int]] = {}
        for view in views:
            columns.setdefault(view.region.x, set()).add(view.drawn.plot_left)
        assert len(columns) == 2
        assert all(len(lefts) == 1 for lefts in columns.values())


async def test_a_low_screen_shows_charts_at_a_key_in_place_of_the_versions(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        await settle(pilot)
        assert not home(pilot).query_one(ChartsPane).display
        assert "curve" in runs(pilot).render_line(0).text
        await pilot.press("w")
        await settle(pilot)
        assert not experiments(pilot).display
        assert len(titles(pilot)) == 2
        await pilot.press("w")
        await settle(pilot)
        assert experiments(pilot).display


async def test_a_live_run_grows_in_the_charts(make_app, recorded: Path) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        screen = home(pilot)
        events = next((recorded / "runs").glob("*-ff46")) / "attempts"
        path = next(events.glob("*/events.jsonl"))
        before = screen.charts.grid.views[1].series[0].points[0].size
        step = [
            e for line in path.read_bytes().splitlines() if isinstance(e := decode(line), Step)
        ][-1]
        with path.open("ab") as file:
            file.write(encode(replace(step, seq=step.seq + 100)) + b"\n")
        screen._make_charts()
        await until(pilot, lambda: screen.charts.grid.views[1].series[0].points[0].size > before)
