"""``mabe runs`` with filters, sort orders, views and a baseline; ``list --measured``; ``pin``; ``views``."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from core.config.registry import default_path, load
from core.errors import ConfigError, RunError, UserError
from core.run.events import Stopped
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from tests.mabe_tui.recorded import record

Mabe = Callable[..., Result]


@pytest.fixture
def mabe(invoke: Mabe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mabe:
    monkeypatch.setenv("MABE_STATE", str(tmp_path / "state"))
    return invoke


@pytest.fixture
def v6() -> BehaviourExperiment:
    return load(default_path()).experiment("v6")


@pytest.fixture
def three(home: Path, v6: BehaviourExperiment) -> list[RunDir]:
    """Two seeds of v6 and a stopped v5, oldest first."""
    v5 = load(default_path()).experiment("v5")
    return [
        record(home, v6, (0.1, 0.5, 0.2), seed=1, tags=("sweep",)),
        record(home, v6, (0.4, 0.3), seed=2, usd_per_hour=36.0),
        record(home, v5, (0.3,), ending=Stopped, note="bad luck"),
    ]


def ids(result: Result) -> list[str]:
    return [row["id"] for row in json.loads(result.stdout)]


def test_at_80_columns_what_is_nearly_empty_goes_first(
    mabe: Mabe, three: list[RunDir], home: Path, v6: BehaviourExperiment, narrow: None
) -> None:
    for seed in range(5):
        record(home, v6, (0.1, 0.2), seed=seed, tags=("a-long-tag", "another"))
    header = mabe("runs").stdout.strip().splitlines()[0].split()
    assert "remarks" not in header
    assert {"epoch", "time"} <= {*header}
    header = mabe("runs", "--columns", "run,best.f1,batch_size,app_name,note").stdout.split()
    assert header[4] == "note"


def test_filter_and_order(mabe: Mabe, three: list[RunDir]) -> None:
    first, second, third = (run.id for run in three)
    assert ids(mabe("runs", "--json")) == [third, second, first]
    assert ids(mabe("runs", "--where", "f1 >= .3 and not bad", "--json")) == [second]
    assert ids(mabe("runs", "--sort", "best.f1", "--json")) == [first, second, third]
    assert ids(mabe("runs", "--sort", "best.f1", "--reverse", "--json")) == [third, second, first]
    assert ids(mabe("runs", "--sort", "smoothed.f1", "-n", "1", "--json")) == [second]
    assert ids(mabe("runs", "--where", "v6", "--tag", "sweep", "--json")) == [first]
    with pytest.raises(UserError, match="f1 > 0 and gpuu == 1: column 12: no field 'gpuu'"):
        mabe("runs", "--where", "f1 > 0 and gpuu == 1")
    with pytest.raises(UserError, match=r"sort: no field 'smothed.f1'; did you mean"):
        mabe("runs", "--sort", "smothed.f1")


def test_json_has_what_can_be_sorted_by(mabe: Mabe, three: list[RunDir]) -> None:
    row = json.loads(mabe("runs", "--baseline", "v5", "--json").stdout)[-1]
    assert row["best"]["f1_macro"] == 0.5
    assert row["smoothed"].keys() == {"loss", "train_loss", "accuracy", "f1_macro", "f1/social"}
    assert row["delta"] == pytest.approx(0.2)


def test_columns_as_table_csv_and_json(mabe: Mabe, three: list[RunDir]) -> None:
    chosen = ("runs", "--columns", "id,best.f1,batch,tags,cost,created")
    header, *lines = mabe(*chosen).stdout.splitlines()
    assert header.split() == ["run", "best.f1", "batch_size", "tags", "cost", "created"]
    assert lines[1].split()[:3] == [three[1].id, "0.4000", "384"]
    rows = list(csv.DictReader(io.StringIO(mabe(*chosen, "--csv").stdout)))
    assert [row["tags"] for row in rows] == ["", "", "sweep"]
    assert rows[0]["created"].startswith("2026-11-01T")
    assert json.loads(mabe(*chosen, "--json").stdout)[2]["tags"] == ["sweep"]
    assert "smoothed.f1_macro" in mabe("runs", "--columns", "help").stdout.splitlines()
    with pytest.raises(ConfigError, match="choose one"):
        mabe("runs", "--json", "--csv")


def test_what_is_sorted_by_is_shown(mabe: Mabe, three: list[RunDir]) -> None:
    header = mabe("runs", "--sort", "hidden_size").stdout.splitlines()[0]
    assert header.split()[-2:] == ["hidden_size", "remarks"]


def test_a_saved_view_comes_again(mabe: Mabe, three: list[RunDir]) -> None:
    first, second, _ = (run.id for run in three)
    arranged = ("--where", "version == v6", "--sort", "best.f1", "--reverse")
    assert ids(mabe("runs", *arranged, "--save", "worst", "--json")) == [second, first]
    assert ids(mabe("runs", "--view", "worst", "--json")) == [second, first]
    assert ids(mabe("runs", "--view", "worst", "--where", "sweep", "--json")) == [first]
    assert "best.f1 ↑" in mabe("views").stdout
    assert json.loads(mabe("views", "--json").stdout)["worst"]["descending"] is False
    mabe("views", "--remove", "worst")
    with pytest.raises(UserError, match="no view 'worst'"):
        mabe("runs", "--view", "worst")
    with pytest.raises(UserError, match="no field"):
        mabe("runs", "--where", "nope > 1", "--save", "broken")
    assert json.loads(mabe("views", "--json").stdout) == {}


def test_every_row_shows_the_difference_to_the_pinned_baseline(
    mabe: Mabe, home: Path, three: list[RunDir]
) -> None:
    assert "Δ" not in mabe("runs").stdout
    mabe("pin", three[2].id[:12], "--baseline")
    assert json.loads(mabe("pin", "--json").stdout) == {"baseline": three[2].id, "pinned": []}
    lines = mabe("runs").stdout.splitlines()
    assert ["Δ" in lines[0], "+0.2000" in lines[3]] == [True, True]
    assert "+0.1500" in next(
        line for line in mabe("list", "--measured").stdout.splitlines() if line.startswith("v6")
    )
    shutil.rmtree(three[2].path)
    result = mabe("runs")
    assert "no Δ against the pinned baseline" in result.stderr
    assert "Δ" not in result.stdout
    with pytest.raises(RunError, match="no run 'v9'"):
        mabe("runs", "--baseline", "v9")


def test_pins(mabe: Mabe, three: list[RunDir]) -> None:
    mabe("pin", "v6")
    assert mabe("pin", "last").stdout.splitlines() == ["v6", three[2].id]
    assert ids(mabe("runs", "--where", "pinned == true", "--json")) == [three[2].id]
    assert mabe("pin", "v6", "--remove").stdout.splitlines() == [three[2].id]
    with pytest.raises(RunError, match="no run 'v66'"):
        mabe("pin", "v66")
    with pytest.raises(ConfigError, match="name a run"):
        mabe("pin", "--baseline")


def test_measured_versions(
    mabe: Mabe, home: Path, v6: BehaviourExperiment, three: list[RunDir]
) -> None:
    result = mabe("list", "--measured", "--baseline", "v5")
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert "0.4500 ± 0.0707 (2)" in lines["v6"]
    assert "0.3000…" in lines["v5"]
    assert "v5 ◆" in lines["v5"]
    rows = {row["version"]: row for row in json.loads(mabe("list", "--measured", "--json").stdout)}
    assert rows["v6"]["measured"]["runs"] == [three[1].id, three[0].id]
    assert rows["v1"]["measured"]["f1_macro"] is None
    table = {
        r["version"]: r
        for r in csv.DictReader(io.StringIO(mabe("list", "--measured", "--csv").stdout))
    }
    assert (table["v6"]["seeds"], table["v5"]["finished"]) == ("2", "False")
    with pytest.raises(ConfigError, match="go with --measured"):
        mabe("list", "--csv")


def test_settings_that_are_not_the_versions_own_are_marked(mabe: Mabe, home: Path) -> None:
    overrides = ("training.epochs=20",)
    record(home, load(default_path()).experiment("v6", overrides), overrides=overrides)
    result = mabe("list", "--measured")
    assert "0.3000*" in result.stdout
    assert "not with the settings" in result.stderr


def test_an_empty_table_says_whether_there_are_runs_at_all(
    mabe: Mabe, home: Path, v6: BehaviourExperiment
) -> None:
    assert "no runs yet" in mabe("runs", "--where", "tag:sweep").stderr
    record(home, v6, (0.9,), imported=True)
    assert "no run here passes the filter" in mabe("runs", "--where", "tag:sweep").stderr
    assert " imported " in mabe("runs").stdout
    assert "not with the settings" not in mabe("list", "--measured").stderr
