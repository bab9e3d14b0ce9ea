"""The screen of the versions' history."""

from textual.pilot import Pilot
from textual.widgets import Static

from mabe_tui.tui.screens.compare.screen import CompareScreen
from mabe_tui.tui.screens.history.screen import HistoryScreen
from mabe_tui.tui.widgets.chart import ChartView
from mabe_tui.tui.widgets.table import RowTable
from tests.mabe_tui.tui.run_screen import until
from tests.mabe_tui.tui.test_home import LARGE, settle


def listed(pilot: Pilot) -> list[str]:
    return [row.key for row in pilot.app.screen.query_one("#history-list", RowTable).rows]


async def test_the_history_of_a_version_and_of_all(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await settle(pilot)
        await pilot.press("up", "H")
        await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen) and listed(pilot))
        screen = pilot.app.screen
        assert listed(pilot)[:6] == ["v1", "v2", "v3", "v4", "v5", "v6"]
        assert "v8" not in listed(pilot)
        score, hours, dollars = screen.query(ChartView)
        assert "●" in score.drawn.text
        assert "v6" in score.drawn.text
        assert (hours.axes.title, dollars.axes.title) == ("hours of a run", "dollars of a run")
        assert "training.batch_size  64 → 384" in str(screen.query_one("#changes", Static).render())
        await pilot.press("a")
        await until(pilot, lambda: "v8" in listed(pilot))
        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
