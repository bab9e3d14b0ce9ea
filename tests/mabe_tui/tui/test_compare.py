"""The comparison screen, driven by keys over recorded runs."""

from contextlib import suppress
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static
from textual.worker import WorkerCancelled

from core.run.request import RunRequest
from core.run.rundir import RunDir
from mabe_tui.launch.local_launcher import LocalLauncher
from mabe_tui.plotting.band import Band
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.format.units import duration
from mabe_tui.runs.launching import more_seeds
from mabe_tui.tui.app import MabeApp
from mabe_tui.tui.screens.compare import screen as compare
from mabe_tui.tui.screens.compare import settling
from mabe_tui.tui.screens.compare.panes import ComparePanes
from mabe_tui.tui.screens.compare.screen import CompareScreen
from mabe_tui.tui.screens.dialogs.confirm import ConfirmScreen
from mabe_tui.tui.screens.dialogs.pick import PickScreen
from mabe_tui.tui.widgets.chart import ChartView
from mabe_tui.tui.widgets.class_view import ClassView
from mabe_tui.tui.widgets.side_table import SideTable
from mabe_tui.tui.widgets.table import RowTable
from tests.mabe_tui.tui.conftest import LARGE, SMALL
from tests.mabe_tui.tui.run_screen import Going, until, workers_done
from tests.recorded import Recording, write

V6 = "v6-20261120T130000-cc42"


async def settle(pilot: Pilot[Any]) -> None:
    """Wait until what was asked in threads, also by what came of it, is shown."""
    for _ in range(3):
        with suppress(WorkerCancelled):  # a newer one took its place
            await workers_done(pilot)
        await pilot.pause()


async def opened(pilot: Pilot[Any], *names: str) -> CompareScreen:
    await settle(pilot)
    screen = CompareScreen(list(names))
    await pilot.app.push_screen(screen)
    await settle(pilot)
    return screen


def sides(screen: CompareScreen) -> RowTable:
    return screen.query_one("#sides", RowTable)


def cells(screen: CompareScreen, column: str) -> list[str]:
    table = sides(screen)
    number = [c.key for c in table.columns].index(column)
    return [row.cells[number] for row in table.rows]


def sentence(screen: CompareScreen) -> str:
    return str(screen.query_one("#sentence", Static).render())


def lines(screen: CompareScreen) -> dict[str, int]:
    chart = screen.query_one(ChartView)
    named = [(s.name, n) for s, n in zip(chart.series, chart.lines, strict=True) if s.name]
    return {name.partition(" (")[0]: number for name, number in named}


def table(screen: CompareScreen, name: str) -> dict[str, tuple[str, ...]]:
    rows = screen.query_one(f"#{name}", SideTable).rows
    return {row.key.partition("/")[2].strip(): row.cells[1:] for row in reversed(rows)}


def shown_panes(screen: CompareScreen) -> list[str]:
    panes = screen.query_one(ComparePanes).query(".panel")
    return [str(pane.id).removeprefix("pane-") for pane in panes if pane.display]


def told(app: MabeApp) -> list[str]:
    return [notice.message for notice in app._notifications]


async def test_home_opens_what_is_marked(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("home", *["down"] * 4, "space", "space", "c")
        await settle(pilot)
        assert isinstance(pilot.app.screen, CompareScreen)
        assert pilot.app.screen.names == ("v5", "v6")


async def test_the_verdict_stands_on_top_with_its_uncertainty_and_the_codes_difference(
    make_app,
) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot, "v5", "v6", "v1")
        assert cells(screen, "verdict") == ["reference", "better", "no verdict"]
        assert cells(screen, "difference")[1].startswith("+0.07")
        assert " … " in cells(screen, "interval")[1]
        assert "v6 − v5 = +0.077, 95 %" in sentence(screen)
        await pilot.press("right_square_bracket")
        assert "v1 has no run here" in sentence(screen)
        text = str(screen.query_one("#code-text", Static).render())
        assert "v6: the same code as v5, recorded" in text
        assert "v1: no record of the code that it or v5 was trained with" in text


async def test_curves_have_lines_of_their_own_whatever_is_dropped_or_added(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot, "v4", "v5", "v6")
        assert lines(screen) == {"v4": 0, "v5": 1, "v6": 2}
        styles = {s.name: s.style for s in screen.query_one(ChartView).series if s.name}
        assert [*styles] == ["v4", "v5 (2 seeds)", "v6 (2 seeds)"]
        assert len(set(styles.values())) == 3
        await pilot.press("D")
        await settle(pilot)
        assert lines(screen) == {"v4": 0, "v6": 2}
        await pilot.press("a")
        await settle(pilot)
        assert isinstance(pilot.app.screen, PickScreen)
        await pilot.press(*"v7", "enter")
        await settle(pilot)
        assert screen.names == ("v4", "v6", "v7")
        assert lines(screen) == {"v4": 0, "v6": 2, "v7": 1}


async def test_several_seeds_are_a_mean_over_a_band_and_a_row_that_tells_of_all(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, "v4", "v5")
        chart = screen.query_one(ChartView)
        band, *means = chart.series
        assert isinstance(band, Band)
        assert [s.name for s in means] == ["v4", "v5 (2 seeds)"]
        assert "mean and std over seeds" in chart.axes.title
        assert means[1].points[1].tolist() == pytest.approx(sum(band.ends[1:]) / 2)
        runs = sorted(screen.found.comparison.sides[1].runs, key=lambda run: run.seed)
        assert cells(screen, "epoch")[1] == ", ".join(str(run.best_epoch) for run in runs)
        assert cells(screen, "time")[1] == duration(mean(run.elapsed_seconds for run in runs))


async def test_the_last_two_sides_stay_and_the_reference_is_swapped_in_its_colour(make_app) -> None:
    async with make_app().run_test(size=SMALL, notifications=True) as pilot:
        screen = await opened(pilot, "v5", "v6")
        await pilot.press("D")
        assert screen.names == ("v5", "v6")
        assert "a comparison has two sides" in told(pilot.app)[0]
        await pilot.press("b")
        await settle(pilot)
        assert cells(screen, "side") == ["v6", "v5"]
        assert cells(screen, "verdict") == ["reference", "worse"]
        assert "v5 − v6 = " in sentence(screen)
        assert lines(screen) == {"v6": 1, "v5": 0}


async def test_more_than_ten_runs_are_compared(make_app, recorded: Path) -> None:
    for number in range(12):
        write(recorded, Recording(version="v3", name=f"zz{number:02d}", hours=9 + number, epochs=2))
    names = [f"zz{number:02d}" for number in range(12)]
    async with make_app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, *names)
        assert len(sides(screen).rows) == 12
        assert [*lines(screen).values()] == list(range(12))
        figures = screen.query_one("#figures", SideTable)
        assert figures.columns[-1].label == "v3-zz11"
        figures.focus()
        await pilot.press("right", "right")
        assert [c.label for c in figures.columns[1:3]] == ["v3-zz00", "v3-zz03"]


async def test_metric_axis_smoothing_and_log_are_chosen_and_survive_a_crash(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot, "v5", "v6")
        await pilot.press("m", *"train", "enter")
        await settle(pilot)
        for key in ("x", "x", "x", "e", "y"):
            await pilot.press(key)
            await settle(pilot)
        axes = screen.query_one(ChartView).axes
        assert axes.title == "train_loss, mean and std over seeds, smoothed 0.6"
        assert (axes.x_label, axes.log_y) == ("dollars", True)
        assert "train_loss over dollars" in str(screen.query_one("#tabs", Static).render())
        # no farewell: the second app finds what the first wrote as it happened
        async with make_app().run_test(size=SMALL) as second:
            again = await opened(second, "v4", "v6")
            assert again.query_one(ChartView).axes == axes


async def test_without_a_price_there_are_no_dollars(make_app, recorded: Path) -> None:
    write(recorded, Recording(version="v3", name="free", usd_per_hour=None))
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot, "v3", "v6")
        seen = []
        for _ in Axis:
            await pilot.press("x")
            await settle(pilot)
            seen.append(screen.query_one(ChartView).axes.x_label)
        assert seen == ["step", "time", "epoch", "step"]


async def test_the_cursor_and_the_classes_show_all_sides(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot, "v5", "v6")
        await pilot.press("left")
        chart = screen.query_one(ChartView)
        assert chart.cursor == 30
        legend = next(row.text for row in chart.drawn.rows if "epoch" in row.text)
        assert legend.count(" 0.") == 2
        await pilot.press("2")
        view = screen.query_one(ClassView)
        social = next(i for i, row in enumerate(view.text.split("\n")) if row.startswith("social"))
        assert "v5" in view.text.split("\n")[social]
        assert "v6" in view.text.split("\n")[social + 1]
        both = view.text
        assert "%" in both
        assert "k" in both
        await pilot.press("n")
        assert "%" in view.text
        await pilot.press("n")
        assert "%" not in view.text
        await pilot.press("n")
        assert view.text == both


async def test_classes_are_a_list_of_the_worst_at_a_key_and_stay_so(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot, "v5", "v6")
        await pilot.press("2")
        view = screen.query_one(ClassView)
        assert "worst confusions" not in view.text
        await pilot.press("w")
        first = view.text.split("\n")[2].split()
        assert first[:3] == ["aggressive", "→", "other"]
        await settle(pilot)
        async with make_app().run_test(size=SMALL) as second:
            again = await opened(second, "v5", "v4")
            assert "worst confusions" in again.query_one(ClassView).text
        await pilot.press("w")
        assert "worst confusions" not in view.text


async def test_only_changed_settings_and_false_zero_and_missing_as_themselves(
    make_app, recorded: Path
) -> None:
    changes = ("training.warmup_epochs=0", "training.compile=true", "actions.yawn=social")
    write(recorded, Recording(version="v6", name="odd0", hours=9, overrides=changes))
    async with make_app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, V6, "odd0")
        rows = table(screen, "settings")
        assert rows["training.warmup_epochs"] == ("3", "0")
        assert rows["training.compile"] == ("false", "true")
        assert rows["actions.yawn"] == ("–", "social")
        assert "training.batch_size" not in rows


async def test_time_speed_and_cost_are_among_the_figures_and_enter_opens_a_run(make_app) -> None:
    from mabe_tui.tui.screens.run.screen import RunScreen

    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot, "v4", V6)
        rows = table(screen, "figures")
        assert rows["time"] == ("19m 51s", "27m 00s")
        assert rows["cost, $"] == ("1.31", "1.78")
        assert all(int(cell.replace(",", "")) > 100_000 for cell in rows["frames/s"])
        sides(screen).focus()
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, RunScreen)
        assert pilot.app.screen.run_id == V6


async def test_one_pane_where_it_is_narrow_all_where_there_is_room(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot, "v5", "v6")
        assert shown_panes(screen) == ["curves"]
        await pilot.press("4")
        assert shown_panes(screen) == ["figures"]
        await pilot.resize_terminal(*LARGE)
        assert len(shown_panes(screen)) == 5
        await pilot.press("2", "2")
        assert shown_panes(screen) == ["classes"]
        await pilot.press("2")
        assert len(shown_panes(screen)) == 5


async def test_a_tab_can_be_clicked_and_enter_shows_values_that_were_cut_off(make_app) -> None:
    async with make_app().run_test(size=SMALL, notifications=True) as pilot:
        screen = await opened(pilot, "v5", "v6")
        text = str(screen.query_one("#tabs", Static).render())
        await pilot.click("#tabs", offset=(text.index("settings") + 2, 0))
        assert shown_panes(screen) == ["settings"]
        settings = screen.query_one("#settings", SideTable)
        settings.select("/features.inputs")
        settings.focus()
        await pilot.press("enter")
        assert told(pilot.app) == ["v5: [coordinates]\nv6: [coordinates, speed, acceleration]"]


async def test_export_writes_a_page_and_a_picture_over_nothing(
    make_app, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with make_app().run_test(size=SMALL, notifications=True) as pilot:
        await opened(pilot, "v5", "v6")
        await pilot.press("E")
        await settle(pilot)
        await pilot.press("E")
        await settle(pilot)
        names = {path.name for path in tmp_path.glob("compare-*")}
        expected = {
            f"compare-v5-v6{again}{end}" for again in ("", "-2") for end in (".html", ".svg")
        }
        assert names == expected
        assert f"wrote {tmp_path / 'compare-v5-v6.html'} and compare-v5-v6.svg" in told(pilot.app)
        assert "v6 − v5 = +0.077" in (tmp_path / "compare-v5-v6.html").read_text()


async def test_a_run_that_goes_on_is_read_again(
    make_app, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "FASTEST_SECONDS", 0.2)
    monkeypatch.setattr(compare, "SHARE", 0)
    going = Going(RunDir(next((recorded / "runs").glob("*-dd44")))).begin()
    going.step(1, 0.5)
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot, "v5", "dd44")
        await pilot.press("m", *"train", "enter")
        chart = screen.query_one(ChartView)
        await until(pilot, lambda: chart.axes.title.startswith("train_loss"))
        points = len(chart.series[-1].points[0])
        going.step(2, 0.25)
        await until(pilot, lambda: len(chart.series[-1].points[0]) == points + 1)
        assert lines(screen)["v6"] == 1


async def test_what_cannot_be_compared_says_why_and_goes_back(make_app) -> None:
    async with make_app().run_test(size=SMALL, notifications=True) as pilot:
        screen = await opened(pilot, "cc43", "v5")
        await pilot.press("a")
        await settle(pilot)
        await pilot.press(*"cc43", "enter")
        await settle(pilot)
        assert "are the same" in told(pilot.app)[0]
        assert screen.names == ("cc43", "v5")
        assert "v5 − v6 = " in sentence(screen)


async def test_a_name_that_is_nothing_is_said_where_the_verdict_would_be(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot, "v5", "nothing")
        assert "no run 'nothing'" in sentence(screen)
        await pilot.press("escape")
        assert pilot.app.screen is not screen


async def test_nothing_but_the_view_is_changed_so_readonly_takes_nothing(make_app) -> None:
    async with make_app(readonly=True).run_test(size=SMALL) as pilot:
        screen = await opened(pilot, "v5", "v6")
        assert all(screen.check_action(name, ()) for name in ("add", "drop", "export", "metric"))


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "140x45"])
def test_how_it_looks(snap_compare, make_app, size) -> None:
    async def prepare(pilot: Pilot[Any]) -> None:
        await opened(pilot, "v5", "v6", "v4", "v1")

    assert snap_compare(make_app(), terminal_size=size, run_before=prepare)


@pytest.mark.parametrize("pane", ["2", "3", "4"])
def test_how_each_pane_looks(snap_compare, make_app, pane) -> None:
    async def prepare(pilot: Pilot[Any]) -> None:
        await opened(pilot, "v5", "v6")
        await pilot.press(pane)
        await settle(pilot)

    assert snap_compare(make_app(), terminal_size=SMALL, run_before=prepare)


def test_how_it_looks_in_ascii(snap_compare, make_app) -> None:
    async def prepare(pilot: Pilot[Any]) -> None:
        await opened(pilot, "v5", "v6")

    assert snap_compare(make_app(ascii_only=True), terminal_size=SMALL, run_before=prepare)


async def test_the_seeds_that_settle_are_launched_after_asking_with_the_price(
    make_app, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(recorded, Recording(version="v7", name="gg47", hours=6, seed=7, skill=0.89))
    write(recorded, Recording(version="v7", name="gg48", hours=7, seed=8, skill=0.80))
    started: list[list[RunRequest]] = []

    def start(_home: Path, requests: list[RunRequest], **_: object) -> list[RunDir]:
        started.append(list(requests))
        return [RunDir(recorded / "runs" / request.run) for request in requests]

    monkeypatch.setattr(more_seeds, "check_data", lambda _: "")
    monkeypatch.setattr(LocalLauncher, "prepare", lambda _, request: request)
    monkeypatch.setattr(settling, "start_requests", start)
    async with make_app().run_test(size=LARGE, notifications=True) as pilot:
        screen = await opened(pilot, "v6", "v7")
        assert "undecided: " in sentence(screen)
        assert ", about $" in sentence(screen)
        await pilot.press("l")
        await settle(pilot)
        assert isinstance(pilot.app.screen, ConfirmScreen)
        await pilot.press("enter")  # no
        await settle(pilot)
        assert not started
        await pilot.press("l")
        await settle(pilot)
        await pilot.press("y")
        await settle(pilot)
        assert [group[0].experiment.name for group in started] == ["v6", "v7"]
        assert started[0][0].seed == 1
        assert any(text.startswith("started v6-") for text in told(pilot.app))


async def test_readonly_launches_no_seeds(make_app) -> None:
    async with make_app(readonly=True).run_test(size=LARGE, notifications=True) as pilot:
        await opened(pilot, "v5", "v6")
        await pilot.press("l")
        await settle(pilot)
        assert isinstance(pilot.app.screen, CompareScreen)
        assert "--readonly" in told(pilot.app)[-1]
