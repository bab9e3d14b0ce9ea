"""The run screen, driven by keys over recorded runs and a live one."""

import datetime as dt
import shutil
from pathlib import Path

import msgspec
import pytest
from textual.events import MouseScrollUp

from core.run import events
from core.run.events import Epoch
from core.run.rundir import RunDir
from mabe_tui.runs.following.feed import RunFeed
from mabe_tui.runs.listing.view_state import ViewState
from mabe_tui.runs.tasks import default_spec
from mabe_tui.tui.notices import Notice
from mabe_tui.tui.screens.run.screen import RunScreen
from mabe_tui.tui.widgets.chart import ChartView
from mabe_tui.tui.widgets.log_view import LogView
from mabe_tui.tui.widgets.panels import panel_kinds
from mabe_tui.tui.widgets.run_header import CHART_ROWS, RunHeader, most_important
from tests.mabe_tui.tui.conftest import LARGE, NOW, SMALL
from tests.mabe_tui.tui.run_screen import Going, drawn, is_settled, log_lines, opened, tabs, until


def notices(app) -> list[str]:
    return [notice.message for notice in app._notifications]


def tabs_seen(screen: RunScreen) -> str:
    """The row of panel names as far as it is on the screen."""
    return screen.query_one("#tabs").render_line(0).text


def home_run(home: Path, letters: str) -> RunDir:
    return RunDir(next((home / "runs").glob(f"*-{letters}")))


def scroll_up(view: LogView) -> MouseScrollUp:
    return MouseScrollUp(
        widget=view, x=1, y=1, delta_x=0, delta_y=-1, button=0, shift=False, meta=False, ctrl=False
    )


# ── charts ────────────────────────────────────────────────────────────────────────────────────


async def test_curves_of_training_and_validation_are_drawn(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        text = drawn(screen, "loss")
    assert "train_loss" in text
    assert "validation_loss" in text
    assert any("⠀" < character <= "⣿" for character in text)


async def test_a_column_is_one_moment_in_all_charts(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot)
        loss, *others = screen.panels.charts
        await until(pilot, lambda: all(c.drawn.x_range == loss.drawn.x_range for c in others))
        await pilot.press("plus")
        assert len({chart.drawn.x_range for chart in screen.panels.charts}) == 1


async def test_each_number_shows_its_panel(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        for number, kind in enumerate(panel_kinds(default_spec()), start=1):
            await pilot.press(str(number))
            shown = [
                p.key for p in screen.panels.kinds if screen.query_one(f"#panel-{p.key}").display
            ]
            assert shown == [kind.key]
            assert f"{number} {kind.label}" in tabs(screen)


async def test_large_screen_shows_all_and_a_second_press_one_alone(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot)
        everything = len(screen.panels.visible_charts)
        assert everything == 8
        await pilot.press("2", "2")
        assert screen.panels.visible_charts == ("score",)
        await pilot.press("2")
        assert len(screen.panels.visible_charts) == everything


async def test_panels_follow_the_size_of_the_terminal(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        assert screen.panels.visible_charts == ("loss",)
        await pilot.resize_terminal(*LARGE)
        await until(pilot, lambda: len(screen.panels.visible_charts) == 8)
        await until(pilot, lambda: "f1_macro" in drawn(screen, "score"))
        await pilot.press("6")
        for size in (SMALL, LARGE):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: is_settled(screen))
            assert screen.log_panel.view.following


async def test_the_smallest_terminal_has_a_chart(make_app, recorded: Path) -> None:
    Going(home_run(recorded, "aa4k"), back_to=-3).begin().step(1, 0.3)
    async with make_app().run_test(size=(40, 10)) as pilot:
        screen = await opened(pilot, "aa4k")
        chart = screen.query_one("#chart-loss", ChartView)
        assert chart.size.height == CHART_ROWS
        await pilot.resize_terminal(*SMALL)
        await until(pilot, lambda: "resumed: " in screen.query_one(RunHeader).text)


def test_of_the_standing_a_warning_stays_before_a_figure() -> None:
    lines = [
        ("epoch 3", ""),
        ("loss 0.1", ""),
        ("$1", ""),
        ("no disk", "error"),
        ("slow", "warning"),
    ]
    assert most_important(lines, 9) == lines
    assert most_important(lines, 4) == [lines[0], lines[1], lines[3], lines[4]]
    assert most_important(lines, 2) == [lines[0], lines[3]]
    assert most_important(lines, -1) == lines[:1]


async def test_smoothing_draws_a_line_over_a_faint_band(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        chart = screen.query_one("#chart-loss", ChartView)
        assert [one.style for one in chart.series] == ["solid", "dashed"]
        await pilot.press("e")
        await until(pilot, lambda: len(chart.series) == 4)
        assert [one.style for one in chart.series] == ["faint", "faint", "solid", "dashed"]
        assert chart.lines == (0, 1, 0, 1)
        assert "ema 0.6" in tabs(screen)
        await pilot.press("e", "e", "e")
        await until(pilot, lambda: len(chart.series) == 2)


async def test_x_goes_through_steps_time_and_dollars(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        chart = screen.query_one("#chart-loss", ChartView)
        for name, last in (("step", 240), ("time", 1608), ("dollars", 1608 / 3600 * 3.95)):
            await pilot.press("x")
            await until(pilot, lambda name=name: chart.axes.x_label == name)
            assert chart.series[0].x_bounds[1] == pytest.approx(last, rel=0.001)
        await pilot.press("x")
        await until(pilot, lambda: chart.axes.x_label == "epoch")


async def test_dollars_are_left_out_where_nobody_charges(make_app, recorded: Path) -> None:
    run = home_run(recorded, "bb42")
    text = (run.path / "run.toml").read_text()
    (run.path / "run.toml").write_text(text.replace("usd_per_hour = 3.95\n", ""))
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot, "bb42")
        seen = []
        for _ in range(4):
            await pilot.press("x")
            seen.append(screen.run_view.axis.value)
    assert seen == ["step", "time", "epoch", "step"]


async def test_y_draws_losses_and_not_f1_on_a_logarithm(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot)
        await pilot.press("y")
        await until(pilot, lambda: screen.query_one("#chart-loss", ChartView).axes.log_y)
        assert screen.query_one("#chart-gradient_norm", ChartView).axes.log_y
        assert not screen.query_one("#chart-score", ChartView).axes.log_y


async def test_cursor_and_zoom_are_shared_by_all_charts(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot)
        await pilot.press("left", "left")
        at = {chart.cursor for chart in screen.panels.charts}
        assert len(at) == 1
        assert at != {None}
        columns: dict[int, set[int]] = {}
        for chart in screen.panels.charts:
            if chart.size:
                columns.setdefault(chart.region.x, set()).add(chart.drawn.plot_left)
        assert [len(lefts) for lefts in columns.values()] == [1, 1]
        assert "epoch 2" in drawn(screen, "loss")
        assert "f1_macro 0." in drawn(screen, "score")
        await pilot.press("plus")
        await pilot.pause()
        assert len({chart.x_range for chart in screen.panels.charts}) == 1
        assert screen.query_one("#chart-labels", ChartView).x_range is not None
        await pilot.press("0")
        await pilot.pause()
        assert {chart.cursor for chart in screen.panels.charts} == {None}


async def test_classes_and_machine_are_heatmaps_at_a_key(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot)
        await pilot.press("h", "left")
        await pilot.pause()
        assert "█" in drawn(screen, "labels")
        assert "aggress" in drawn(screen, "labels")
        assert "▒" in drawn(screen, "use")
        assert "█" not in drawn(screen, "loss")
        lefts = {
            screen.query_one(f"#chart-{n}", ChartView).drawn.plot_left for n in ("loss", "labels")
        }
        assert len(lefts) == 1
        await pilot.press("h")
        await pilot.pause()
        assert "█" not in drawn(screen, "labels")


async def test_focus_moves_nothing(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot)
        places = {chart.id: chart.region for chart in screen.panels.charts}
        await pilot.press("3")
        await pilot.pause()
        assert {chart.id: chart.region for chart in screen.panels.charts} == places


async def test_classes_rates_and_machine_have_their_curves(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot)
        for name in ("other", "social", "mating"):
            assert name in drawn(screen, "labels")
        for name, curve in (
            ("learning_rate", "learning_rate"),
            ("gradient_norm", "gradient_norm"),
            ("frames_per_second", "frames_per_second"),
            ("use", "gpu_percent"),
            ("memory", "gpu_memory_mib"),
        ):
            assert curve in [one.name for one in screen.query_one(f"#chart-{name}").series]


async def test_loss_that_is_no_number_is_marked_and_counted(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot, "ee45")
        text = drawn(screen, "loss")
    assert "×" in text
    assert "NaN)" in text


async def test_charts_without_colour_differ_by_style_and_in_ascii_by_mark(make_app) -> None:
    async with make_app(ascii_only=True).run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        text = drawn(screen, "loss")
        assert text.isascii()
        assert "*** train_loss" in text
        assert "+++ validation_loss" in text


# ── log ───────────────────────────────────────────────────────────────────────────────────────


async def test_log_follows_until_one_goes_up_and_again_with_f(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        await pilot.press("6")
        view = screen.log_panel.view
        await until(pilot, lambda: "finished after epoch 30" in "".join(log_lines(screen)))
        assert view.following
        await pilot.press("pageup", "up")
        await until(pilot, lambda: "finished" not in "".join(log_lines(screen)))
        assert not view.following
        assert "f follows" in str(screen.log_panel.border_subtitle)
        await pilot.press("f")
        await until(pilot, lambda: "finished after epoch 30" in "".join(log_lines(screen)))


async def test_wheel_lets_go_of_the_end(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        await pilot.press("6")
        view = screen.log_panel.view
        await until(pilot, lambda: view.size.height and view.scroll_offset.y > 0)
        view.post_message(scroll_up(view))
        await until(pilot, lambda: not view.following)


async def test_log_is_cleaned_and_never_markup(make_app, recorded: Path) -> None:
    run = home_run(recorded, "cc42")
    with run.log_path(run.attempts()[-1]).open("ab") as file:
        file.write(b"\x1b[31mred\x1b[0m [bold]not bold[/bold] [/nothing]\n")
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        await pilot.press("6")
        await until(pilot, lambda: "red [bold]not bold" in "".join(log_lines(screen)))


async def test_search_goes_up_then_n_and_shift_n(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        view = screen.log_panel.view
        await pilot.press("6", "slash", *"epoch 1", "full_stop", *" scored", "enter")

        def text() -> str:
            row = view.lines_here.get(view.selected)
            return row.text if row is not None else ""

        await until(pilot, lambda: text() == "epoch 19 scored on 12 videos")
        await pilot.press("N")
        await until(pilot, lambda: text() == "epoch 18 scored on 12 videos")
        await pilot.press("n")
        await until(pilot, lambda: text() == "epoch 19 scored on 12 videos")
        await pilot.press("n")
        await until(pilot, lambda: text() == "epoch 10 scored on 12 videos")
        assert screen.log_panel.where.startswith("match 1 of 10, from the first line on · line 1")
        await until(pilot, lambda: "match 1 of 10" in tabs_seen(screen))
        assert not notices(pilot.app)  # which would cover the log


async def test_matches_are_inverted_also_on_the_selected_line(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        await pilot.press("6", "slash", *"epoch 19 scored", "enter")
        view = screen.log_panel.view
        await until(pilot, lambda: not view.following and view.selected in view.lines_here)
        y = view.selected - view._top

        def reversed_parts() -> list[str]:
            return [s.text for s in view.render_line(y) if s.style and s.style.reverse]

        await until(pilot, lambda: view.has_focus)
        assert "epoch 19 scored" not in reversed_parts()  # the line is inverted, the match is not
        await pilot.press("up")
        assert reversed_parts() == ["epoch 19 scored"]


async def test_search_that_is_no_expression_or_finds_nothing_says_so(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        await pilot.press("slash", "left_parenthesis", "enter")
        await until(pilot, lambda: any("search '('" in words for words in notices(pilot.app)))
        await pilot.press("slash", *"zebra", "enter")
        await until(pilot, lambda: screen.log_panel.where.startswith("no match · "))
        await pilot.press("slash", "escape")
        assert screen.log_panel.view.pattern is None
        assert pilot.app.screen is screen


async def test_from_a_point_to_its_line_and_back(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot)
        view = screen.log_panel.view
        await pilot.press("2", "left", *["left"] * 12, "enter")
        await until(pilot, lambda: not view.following and view.selected in view.lines_here)
        event = view.lines_here[view.selected].event
        assert isinstance(event, Epoch)
        x = screen.query_one("#chart-score", ChartView).cursor
        assert x == pytest.approx(event.epoch, abs=0.51)
        await pilot.press("home", *["down"] * 4)
        await until(pilot, lambda: view.selected in view.lines_here)
        await pilot.press("enter")
        chart = screen.query_one("#chart-loss", ChartView)
        await until(pilot, lambda: chart.cursor == pytest.approx(1 / 8))


# ── standing, notices, lineage ────────────────────────────────────────────────────────────────


async def test_standing_tells_progress_cost_and_budget_of_a_live_run(
    make_app, recorded: Path
) -> None:
    going = Going(home_run(recorded, "dd44")).begin()
    going.step(1, 0.5)
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot, "dd44")
        standing = screen.query_one("#standing").text
        assert "running" in standing
        assert "$" in standing
        assert "so far" in standing
        assert "budget $15.00" in standing
        going.step(2, 0.25)
        await until(pilot, lambda: "step 2/8" in screen.query_one("#standing").text)


async def test_live_run_grows_and_raises_notices(make_app, recorded: Path) -> None:
    going = Going(home_run(recorded, "dd44")).begin()
    going.step(1, 0.5)
    app = make_app(bell=True)
    rung = []
    app.bell = lambda: rung.append(1)
    async with app.run_test(size=SMALL) as pilot:
        screen = await opened(pilot, "dd44")
        chart = screen.query_one("#chart-loss", ChartView)
        before = len(chart.series[0].points[0])
        going.step(2, float("nan"))
        await until(pilot, lambda: any("train_loss is nan" in words for words in notices(app)))
        going.say(events.Warned, code="odd", message="a class is absent")
        await until(pilot, lambda: "a class is absent" in str(screen.query_one(RunHeader).render()))
        assert not any("absent" in words for words in notices(app))
        assert len(chart.series[0].points[0]) == before + 1
        going.say(events.Failed, error="CUDA out of memory", type="OutOfMemoryError")
        await until(pilot, lambda: any("failed: CUDA out of" in words for words in notices(app)))
        assert "failed" in str(screen.query_one("#heading").render())
        assert len(rung) == 2


async def test_ended_run_raises_no_notice(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        await opened(pilot, "ff46")
        assert notices(pilot.app) == []


async def test_lineage_is_shown_and_superseded_lines_are_dim(make_app, recorded: Path) -> None:
    run = home_run(recorded, "aa4k")
    going = Going(run, back_to=-3).begin()
    going.step(1, 0.3)
    saved = going.saved
    async with make_app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, "aa4k")
        words = f"{going.attempt} from epoch {saved.epoch} of {saved.attempt}"
        assert words in screen.query_one("#standing").text
        view = screen.log_panel.view
        rows = [row for row in view.lines_here.values() if row.event is not None]
        superseded = [row for row in rows if view._is_superseded(row)]
        assert superseded
        assert {row.attempt for row in superseded} == {saved.attempt}
        faint = [one for one in screen.query_one("#chart-loss").series if one.style == "faint"]
        assert faint


async def test_run_that_cannot_be_read_says_so(make_app, recorded: Path) -> None:
    (home_run(recorded, "cc42").path / "run.toml").write_text("nonsense")
    async with make_app().run_test(size=SMALL) as pilot:
        await pilot.app.push_screen(RunScreen(home_run(recorded, "cc42").id))
        await until(pilot, lambda: any("run.toml" in words for words in notices(pilot.app)))
        await until(pilot, lambda: "run.toml" in pilot.app.screen.query_one("#standing").text)
        assert len([words for words in notices(pilot.app) if "run.toml" in words]) == 1


async def test_imported_run_is_not_offered_to_go_on(make_app, recorded: Path) -> None:
    run = home_run(recorded, "cc42")
    run.write_request(msgspec.structs.replace(run.read_request(), imported=True))
    async with make_app().run_test(size=SMALL) as pilot:
        await pilot.app.push_screen(screen := RunScreen(run.id))
        await until(pilot, lambda: screen.look is not None)
        assert not screen.check_action("resume_run", ())
        assert screen.check_action("tag_run", ())


# ── replay, export, view state ────────────────────────────────────────────────────────────────


async def test_replay_plays_the_run_again(make_app) -> None:
    app = make_app()
    moment = NOW
    app.now = lambda: moment
    async with app.run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        chart = screen.query_one("#chart-loss", ChartView)
        everything = len(chart.series[0].points[0])
        await pilot.press("R")
        await until(pilot, lambda: screen.look.replay is not None and not chart.series)
        moment += dt.timedelta(seconds=10)
        await until(pilot, lambda: chart.series and len(chart.series[0].points[0]) > 10)
        assert len(chart.series[0].points[0]) < everything
        assert "running" not in str(screen.query_one("#standing").text)
        assert "replay ×" in screen.query_one("#standing").text
        await pilot.press("space")
        await until(pilot, lambda: "replay paused" in screen.query_one("#standing").text)
        speed = screen.look.replay.speed
        await pilot.press("full_stop")
        await until(pilot, lambda: screen.look.replay.speed > speed)
        await pilot.press("comma", "comma")
        await until(pilot, lambda: screen.look.replay.speed < speed)
        await pilot.press("R")
        await until(pilot, lambda: screen.look.replay is None)
        await until(pilot, lambda: len(chart.series[0].points[0]) == everything)


async def test_export_writes_svg_and_never_over_another(make_app, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        await pilot.press("E")
        first = tmp_path / f"{screen.run_id}-loss.svg"
        await until(pilot, lambda: first.exists() and first.read_text())  # claimed, then written
        text = first.read_text()
        await pilot.press("E")
        await until(pilot, (tmp_path / f"{screen.run_id}-loss-2.svg").exists)
    assert text.startswith("<?xml")
    assert "validation_loss" in text
    assert first.read_text() == text


async def test_view_is_found_again_after_a_crash(make_app, recorded: Path) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        await pilot.press("x", "e", "y", "6", "home", "down")
        state = ViewState(recorded)
        run = screen.run_id
        await until(pilot, lambda: state.screen("run").get("lines") == {run: 2})
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        assert (screen.run_view.axis, screen.run_view.smooth) == ("step", 0.6)
        assert screen.run_view.log_y
        assert screen.run_view.panel == "log"
        view = screen.log_panel.view
        await until(pilot, lambda: view.selected == view.bounds.first + 1 and not view.following)
        other = await opened(pilot, "aa4k")
        assert other.run_view.panel == "loss"


async def test_damaged_view_state_is_as_at_first(make_app, recorded: Path) -> None:
    ViewState(recorded).keep("run", axis="parsec", smooth="much", panels=3, lines=[1], log_y="x")
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        assert screen.run_view.panel == "loss"
        assert screen.run_view.axis == "epoch"


async def test_compare_without_a_baseline_says_how_to_get_one(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        await opened(pilot)
        await pilot.press("c")
        await until(pilot, lambda: any("no baseline" in words for words in notices(pilot.app)))


async def test_back_ends_following(make_app, monkeypatch) -> None:
    closed = []
    close = RunFeed.close
    monkeypatch.setattr(RunFeed, "close", lambda self: (closed.append(1), close(self)))
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is not screen)
        assert closed


# ── what is damaged or gone ───────────────────────────────────────────────────────────────────


async def test_a_run_whose_folder_is_removed_is_gone(make_app, recorded: Path) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        shutil.rmtree(home_run(recorded, "cc42").path)
        await until(pilot, lambda: "gone" in screen.heading())
        assert screen.query_one("#standing").text.startswith("gone: the folder of the run was")
        assert [words for words in notices(pilot.app) if "removed" in words] == [
            f"{screen.run_id}: the folder of the run was removed"
        ]
        bound = {one.binding.action for one in screen.active_bindings.values()}
        assert not bound & {"stop_run", "resume_run", "checkpoints", "video", "replay"}
        await pilot.press("K")
        assert "the run is gone: its folder was removed" in notices(pilot.app)
        assert pilot.app.screen is screen


async def test_a_damaged_line_of_the_events_is_told_of(make_app, recorded: Path) -> None:
    run = home_run(recorded, "cc42")
    path = run.events_path(run.attempts()[-1])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b'{"kind":"epo\n', *lines[2:]]))
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        assert "events.jsonl:3: damaged" in screen.query_one("#standing").text


async def test_small_log_says_whether_it_follows(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        await pilot.press("6")
        assert "following" in tabs(screen)
        await pilot.press("up")
        await until(pilot, lambda: "line 572 of 573" in tabs(screen))


async def test_export_without_a_chart_says_what_to_do(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        await pilot.press("6")
        await until(pilot, lambda: not screen.look.charts)
        await pilot.press("E")
        assert "no chart is shown: 1 to 5 choose one" in notices(pilot.app)


async def test_that_a_run_ends_is_no_news_after_it_was_to_stop_and_else_always_is(make_app) -> None:
    app = make_app()
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        app.do(lambda: "stopped at last", "v6-x", ends=True)
        app.do(lambda: "tagged", "v6-y")
        await until(pilot, lambda: {"stopped at last", "tagged"} <= set(notices(app)))
        app.tell(Notice("v6-x", "v6-x: stopped", "information"))
        app.tell(Notice("v6-x", "v6-x: failed", "error"))
        app.tell(Notice("v6-y", "v6-y: stopped", "information"))
        await until(pilot, lambda: "v6-y: stopped" in notices(app))
        told = notices(app)
    assert [words for words in told if words.startswith("v6-")] == ["v6-x: failed", "v6-y: stopped"]


async def test_cursor_stays_at_its_point_on_another_axis(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        chart = screen.query_one("#chart-loss", ChartView)
        await pilot.press("left", *["left"] * 20)
        epoch = chart.cursor
        assert epoch is not None
        await pilot.press("x")
        await until(pilot, lambda: chart.cursor == pytest.approx(8 * epoch, abs=4))


async def test_a_live_run_offers_no_replay_and_a_replay_is_called_one(make_app, recorded) -> None:
    going = Going(home_run(recorded, "cc42")).begin()
    going.step(1, 0.5)
    async with make_app().run_test(size=SMALL) as pilot:
        live = await opened(pilot)
        assert "replay" not in {one.binding.action for one in live.active_bindings.values()}
        ended = await opened(pilot, "aa4k")
        await pilot.press("R")
        await until(pilot, lambda: ended.heading().endswith("replay"))


async def test_metrics_of_its_own_have_a_chart_where_there_are_any(
    make_app, recorded: Path
) -> None:
    run = home_run(recorded, "cc42")
    attempt = run.attempts()[-1]
    values = {"own": 2.0}
    event = events.FreeMetrics(attempt=attempt, seq=10**6, time=NOW, step=3, values=values)
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        assert "free" not in screen.panels.kind_of_chart
        with run.events_path(attempt).open("ab") as file:
            file.write(events.encode(event) + b"\n")
        await pilot.press("4")
        await until(pilot, lambda: "free" in screen.look.charts and drawn(screen, "free"))
        (series,) = screen.query_one("#chart-free", ChartView).series
        assert (series.name, [*series.y]) == ("own", [2.0])
