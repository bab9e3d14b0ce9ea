"""The API for notebooks has the numbers of the command line."""

import datetime as dt
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest

from core.errors import RunError, UserError
from core.evaluation.rows import f1_macro
from core.run.events import FreeMetrics, encode
from core.run.rundir import RunDir
from mabe_tui.api import run, runs
from tests.command_line import mabe
from tests.recorded import RECORDINGS, write_all

CHOSEN = (RECORDINGS[0], RECORDINGS[3], RECORDINGS[6])
"""Stopped, finished, and with losses that are NaN."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[RunDir]:
    return write_all(tmp_path_factory.mktemp("home"), CHOSEN)


@pytest.fixture
def home(recorded: list[RunDir], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = recorded[0].path.parents[1]
    monkeypatch.setenv("MABE_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def spoken(*arguments: str) -> Any:
    return json.loads(mabe(*arguments, "--json").stdout)


def same(found: Any, told: Any) -> bool:
    if told is None:
        return found is None or bool(pd.isna(found))
    if isinstance(told, float):
        return math.isclose(found, told, rel_tol=1e-12)
    if isinstance(told, str) and isinstance(found, pd.Timestamp):
        return found == pd.Timestamp(told)
    if isinstance(told, list):
        return bool(found == " ".join(map(str, told)))
    return bool(found == told)


def test_the_table_of_runs_is_that_of_the_command(home: Path) -> None:
    table, told = runs(), spoken("runs")
    assert [*table.index] == [each["id"] for each in told]
    for each in told:
        row = table.loc[each["id"]]
        flat = {k: v for k, v in each.items() if not isinstance(v, dict) and k in table}
        flat |= {f"best.{name}": value for name, value in each["best"].items()}
        flat |= {name: value for name, value in each["metrics"].items() if name in table}
        assert len(flat) > 60
        assert {k: (row[k], v) for k, v in flat.items() if not same(row[k], v)} == {}


def test_runs_are_filtered_and_sorted(home: Path) -> None:
    assert [*runs("tag:keep")["seed"]] == [42]
    assert len(runs("seed == 99")) == 0
    assert "best_score" in runs("seed == 99")
    scores = runs(sort="score", home=home)["best_score"]
    assert scores.is_monotonic_decreasing
    with pytest.raises(UserError, match="no field"):
        runs("nonsense > 1")


@pytest.mark.parametrize("place", range(len(CHOSEN)))
def test_a_run_has_the_numbers_of_its_commands(
    recorded: list[RunDir], home: Path, place: int
) -> None:
    found = run(recorded[place].id)
    told = spoken("status", found.id)
    summary = json.loads(msgspec.json.encode(found.summary))
    assert {key: told[key] for key in summary} == summary
    for name in ("validation_loss", "f1_macro", "train_loss"):
        (curve,) = spoken("curves", found.id, "-m", name)["curves"]
        series = found.curve(name, superseded=True)
        assert same_numbers(series.to_list(), curve["y"])
        assert same_numbers(series.index.to_list(), curve["x"])
    last = found.epochs.iloc[-1]
    assert found.epochs.index[-1] == told["epoch"]
    assert all(same(last[name], value) for name, value in told["metrics"].items())


def same_numbers(found: list[float], told: list[float | None]) -> bool:
    return len(found) == len(told) and all(map(same, found, told))


def test_evaluation_rows_give_the_metric(recorded: list[RunDir], home: Path) -> None:
    found = run(recorded[1].id)
    rows = found.evaluation()
    pooled = rows.groupby("label", sort=False).sum().to_numpy()
    assert f1_macro(pooled) == pytest.approx(found.summary["best_score"], abs=1e-6)
    assert found.settings["training.seed"] == 42
    assert str(found.steps.index.dtype) == "int64"
    assert found.machine.index.tz is not None


def test_what_is_not_there_is_said(recorded: list[RunDir], home: Path, tmp_path: Path) -> None:
    for ask in (runs, run):
        with pytest.raises(RunError, match="no runs yet; `mabe run VERSION`"):
            ask(home=tmp_path / "nowhere")
    with pytest.raises(RunError, match="is no single curve"):
        run(recorded[0].id).curve("loss")
    with pytest.raises(RunError, match="no curve 'f1_macr'; did you mean"):
        run(recorded[0].id).curve("f1_macr")


def test_a_notebook_loads_no_front_end(home: Path) -> None:
    script = (
        "import sys; from mabe_tui.api import run, runs; runs(); run().epochs; "
        "print([m for m in ('torch', 'textual', 'typer', 'rich', 'modal') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert answer.stdout == "[]\n"


def test_free_metrics_are_rows(home: Path, recorded: list[RunDir], tmp_path: Path) -> None:
    assert run(recorded[0].id).free.empty
    copy = RunDir(shutil.copytree(recorded[1].path, tmp_path / "runs" / recorded[1].id))
    attempt = copy.attempts()[-1]
    with copy.events_path(attempt).open("ab") as file:
        now = dt.datetime.now(dt.UTC)
        values = {"a": 1.0, "b": math.nan}
        file.write(encode(FreeMetrics(attempt=attempt, seq=10**6, time=now, step=3, values=values)))
        file.write(b"\n")
    found = run(copy.id, home=tmp_path).free
    assert [*found["name"]] == ["a", "b"]
    assert [*found["step"]] == [3, 3]
    assert found["value"][0] == 1.0
    assert found["value"].isna()[1]
