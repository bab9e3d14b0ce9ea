"""The worst examples in the dashboard."""

import datetime as dt
from pathlib import Path

import pytest
from textual.widgets import Static

from core import job
from core.config.registry import default_path, load
from core.run.request import RunRequest
from core.run.rundir import RunDir
from mabe_tui.runs.session import Session
from mabe_tui.tui.app import MabeApp
from mabe_tui.tui.dashboard import Options
from mabe_tui.tui.screens.examples.pictures import ExampleImages
from mabe_tui.tui.screens.examples.screen import ExamplesScreen
from mabe_tui.tui.widgets.table import RowTable
from tests.command_line import mabe
from tests.mabe_tui.tui.conftest import LARGE, NOW, SMALL, text_of
from tests.mabe_tui.tui.run_screen import until

RUN = "pairs-plain-20260101T000000-aaaa"
SETTINGS = (
    "data.digits_pairs=100",
    "data.digits_side=12",
    "model.width=4",
    "model.feature_size=8",
    "training.epochs=1",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a run of pairs."""
    home = tmp_path / "home"
    monkeypatch.setenv("MABE_HOME", str(home))
    monkeypatch.setenv("MABE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("MABE_REGISTRY", str(default_path()))
    run = RunDir(home / "runs" / RUN)
    experiment = load(default_path()).experiment("pairs-plain", SETTINGS, "small-pairs")
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    run.write_request(
        RunRequest(run=RUN, created=now, launcher="local", seed=1, experiment=experiment)
    )
    assert job.main([str(run.path)]) == 0
    return home


async def test_the_worst_pairs_are_listed_and_drawn(home: Path) -> None:
    app = MabeApp(Session(), Options(), clock=lambda: NOW)
    app.animation_level = "none"
    async with app.run_test(size=LARGE) as pilot:
        app.open_examples(RUN)
        await until(pilot, lambda: isinstance(app.screen, ExamplesScreen))
        picture = app.screen.query_one(ExampleImages)
        await until(pilot, lambda: "▀" in picture.text)
        table = app.screen.query_one(RowTable)
        worst = [float(row.cells[3]) for row in table.rows]
        assert len(worst) == 20
        assert worst == sorted(worst)
        first, words = picture.text, text_of(app.screen.query_one("#about", Static))
        assert words.startswith(table.rows[0].key)
        await pilot.press("down")
        await until(pilot, lambda: text_of(app.screen.query_one("#about", Static)) != words)
        assert picture._images is app.screen._images[table.rows[1].key]
        await pilot.resize_terminal(*SMALL)
        await until(pilot, lambda: picture.text != first)
    printed = mabe("examples", "last", "--count", "1", "--ascii").stdout
    assert printed.splitlines()[0].startswith(table.rows[0].key)
    assert {*printed} & {*"#%@"}
    (home / "runs" / RUN / "evaluation" / "predictions.parquet").unlink()
    with pytest.raises(Exception, match="--keep-predictions"):
        mabe("examples", "last")
