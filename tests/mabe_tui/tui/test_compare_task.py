"""The comparison screen for a third-party task whose primary metric is minimised."""

from pathlib import Path

import pytest

from mabe_tui.runs.session import Session
from mabe_tui.tui.app import MabeApp, Options
from mabe_tui.tui.widgets.chart import ChartView
from mabe_tui.tui.widgets.class_view import ClassView
from tests.mabe_tui.toy_runs import train_two_versions
from tests.mabe_tui.tui.conftest import LARGE, NOW
from tests.mabe_tui.tui.test_compare import cells, opened, sentence, sides, table


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MabeApp:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("MABE_REGISTRY", str(train_two_versions(home)))
    monkeypatch.setenv("MABE_HOME", str(home))
    monkeypatch.setenv("MABE_STATE", str(tmp_path / "state"))
    return MabeApp(Session(), Options(), clock=lambda: NOW)


async def test_the_sides_the_verdict_and_the_panes_are_in_the_task_s_words(app: MabeApp) -> None:
    async with app.run_test(size=LARGE) as pilot:
        screen = await opened(pilot, "p1", "p2")
        titles = {column.key: column.label for column in sides(screen).columns}
        assert (titles["score"], titles["videos"]) == ("mae", "scenes")
        assert cells(screen, "verdict") == ["reference", "worse"]
        assert cells(screen, "difference")[1].startswith("+0.")
        assert cells(screen, "videos")[1] == "6"
        assert "p1 is better on 6 scenes with 3 seeds each" in sentence(screen)
        assert screen.query_one(ChartView).series
        assert "has no classes" in screen.query_one(ClassView).text
        assert {"mae", "loss", "pairs/s, mean"} <= table(screen, "figures").keys()
