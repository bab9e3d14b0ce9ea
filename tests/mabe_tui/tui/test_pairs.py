"""A third-party task in the dashboard: listed and drawn as it declares."""

from pathlib import Path

import pytest

from mabe_tui.runs.session import Session
from mabe_tui.tui.app import MabeApp
from mabe_tui.tui.dashboard import Options
from mabe_tui.tui.screens.compare.screen import CompareScreen
from mabe_tui.tui.screens.dialogs.help import HelpScreen
from mabe_tui.tui.screens.home.rows import delta_colour
from mabe_tui.tui.widgets.chart import ChartView
from mabe_tui.tui.widgets.table import RowTable
from tests.mabe_tui.tui.conftest import LARGE, NOW, text_of
from tests.mabe_tui.tui.run_screen import drawn, opened, tabs, until
from tests.toy import write_registry
from tests.toy.told import tell_pairs


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MabeApp:
    """The dashboard over runs of the pairs."""
    home = tmp_path / "home"
    monkeypatch.setenv("MABE_HOME", str(home))
    monkeypatch.setenv("MABE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("MABE_REGISTRY", str(write_registry(tmp_path)))
    tell_pairs(home, "aa11", (0.5, 0.1, 0.2))
    tell_pairs(home, "bb22", (0.6, 0.4), "p2")
    app = MabeApp(Session(), Options(), clock=lambda: NOW)
    app.animation_level = "none"
    return app


def cells(table: RowTable, row: str) -> dict[str, str]:
    found = next(r for r in table.rows if r.key.endswith(row))
    return dict(zip([column.key for column in table.columns], found.cells, strict=True))


async def test_the_home_screen_shows_its_metric_and_offers_no_video(app: MabeApp) -> None:
    async with app.run_test(size=LARGE) as pilot:
        versions = app.screen.query_one("#experiments", RowTable)
        await until(pilot, lambda: versions.rows and cells(versions, "p1")["score"] == "0.1000")
        assert "measured MAE" in versions.render_line(0).text
        await pilot.press("home", "b", "down", "a")
        runs = app.screen.query_one("#runs", RowTable)
        await until(pilot, lambda: len(runs.rows) == 2)
        assert cells(runs, "aa11")["best_score"] == "0.1000"
        assert cells(runs, "bb22")["score_delta"] == "~+0.3000"
        assert app.screen.check_action("video", ()) is False
        await pilot.press("V")
        await until(pilot, lambda: app._notifications)
        (said,) = [notice.message for notice in app._notifications]
        assert said == "the task pairs has no videos to watch"
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        shown = text_of(app.screen.query_one("VerticalScroll Static"))
        assert "the run's validation videos" not in shown
        assert "checkpoints" in shown


async def test_the_run_screen_has_the_panels_of_its_task(app: MabeApp) -> None:
    async with app.run_test(size=LARGE) as pilot:
        screen = await opened(pilot, "aa11")
        await until(pilot, lambda: "MAE" in tabs(screen))
        assert [kind.key for kind in screen.panels.kinds] == [
            "loss", "score", "rates", "machine", "log",
        ]  # fmt: skip
        await until(pilot, lambda: "mae" in drawn(screen, "score"))
        assert "training pairs/s" in drawn(screen, "frames_per_second")
        assert "best 0.1000 at epoch 2" in screen.query_one("#standing").text
        await pilot.press("y")
        await until(pilot, lambda: screen.query_one("#chart-score", ChartView).axes.log_y)
        assert " 2 MAE  4 rates  5 machine  6 log " in tabs(screen)
        await pilot.press("4")
        await until(pilot, lambda: screen.panels.panel_of_focus() == "rates")
        await pilot.press("3")
        await until(pilot, lambda: app._notifications)
        assert "the task pairs has no such chart" in [n.message for n in app._notifications]
        assert screen.check_action("video", ()) is False


def test_less_of_what_falls_is_better() -> None:
    assert delta_colour(-0.1, True, rises=False) == delta_colour(0.1, True, rises=True) == "success"
    assert delta_colour(0.1, True, rises=False) == "error"
    assert delta_colour(-0.1, None, rises=False) == "text-muted"


async def test_a_comparison_has_no_pane_of_classes(app: MabeApp) -> None:
    async with app.run_test(size=LARGE) as pilot:
        app.open_comparison(["p1", "p2"])
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and app.screen.found)
        await until(pilot, lambda: "mae" in app.screen.query_one("#curves", ChartView).drawn.text)
        assert not app.screen.query_one("#pane-classes").display
        assert app.screen.query_one("#pane-figures").display
        await pilot.press("2")
        await until(pilot, lambda: app._notifications)
        said = [notice.message for notice in app._notifications]
        assert said == ["the task pairs has no classes to tell apart"]
        assert app.screen.check_action("cells", ()) is False
