"""A third-party task on the command line: listed, drawn and tuned as it declares."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from core.config import registry
from core.errors import MisuseError
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.cells import spell_measured
from mabe_tui.runs.listing.experiments import experiment_rows
from mabe_tui.runs.store import RunStore
from tests.command_line import mabe
from tests.recorded import Recording, write_all
from tests.toy import write_registry
from tests.toy.told import tell_pairs

Mabe = Callable[..., Result]
RANGES = '\n[experiments.p1.tune]\n"training.learning_rate" = { low = 0.001, high = 0.05 }\n'


@pytest.fixture(autouse=True)
def pairs(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry of the pairs, and a run of each version: that of p1 errs less."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MABE_HOME", str(home))
    monkeypatch.delenv("MABE_REGISTRY", raising=False)
    write_registry(tmp_path)
    tell_pairs(home, "aa11", (0.5, 0.1, 0.2))
    tell_pairs(home, "bb22", (0.6, 0.4), "p2")


def test_versions_are_headed_by_the_metric_of_their_task() -> None:
    lines = mabe("list", "--measured", "--baseline", "p2").stdout.splitlines()
    assert "measured MAE" in lines[0]
    assert "0.1000" in lines[1]
    assert "−0.3000" in lines[1]
    (p1, _) = json.loads(mabe("list", "--measured", "--json").stdout)
    assert (p1["metric"], p1["metric_label"], p1["metric_rises"]) == ("mae", "MAE", False)
    assert (p1["measured"]["mae"], p1["measured"]["score"]) == (0.1, 0.1)
    assert p1["reported_mae"] is None
    (row, _) = csv.DictReader(io.StringIO(mabe("list", "--measured", "--csv").stdout))
    assert row["mae"] == row["score"] == "0.1"


def test_the_smallest_error_is_the_best_and_comes_first() -> None:
    table = mabe("runs", "--sort", "score").stdout.splitlines()
    assert [line.split()[3] for line in table[1:]] == ["0.1000", "0.4000"]
    for key in ("best.mae", "smoothed.mae", "mae", "best_metric"):
        ids = [run["id"][-4:] for run in json.loads(mabe("runs", "--sort", key, "--json").stdout)]
        assert ids == ["aa11", "bb22"], key
    (run,) = json.loads(mabe("runs", "--where", "score < 0.2", "--json").stdout)
    assert (run["task"], run["metric"], run["best_score"]) == ("tests.toy.pairs:SPEC", "mae", 0.1)
    assert (run["best_epoch"], run["rate_unit"]) == (2, "pairs/s")
    assert run["smoothed"]["mae"] == pytest.approx(0.176 / 0.784)


def test_a_mixed_store_gives_each_row_its_own_metric(home: Path, tmp_path: Path) -> None:
    write_all(home, [Recording(version="v6", name="cc33", epochs=2)])
    cells = {line.split()[0][-4:]: line for line in mabe("runs").stdout.splitlines()[1:]}
    assert "0.1000 MAE" in cells["aa11"]
    assert " F1 " in cells["cc33"]
    both = registry.default_path().read_text() + (tmp_path / registry.FILE_NAME).read_text()
    (tmp_path / registry.FILE_NAME).write_text(both)
    lines = mabe("list", "--measured").stdout.splitlines()
    assert "measured score" in lines[0]
    assert "0.1000 MAE" in next(line for line in lines if line.startswith("p1"))
    assert " F1 " in next(line for line in lines if line.startswith("v6"))
    rows = experiment_rows(
        registry.load(tmp_path / registry.FILE_NAME), Catalog(RunStore(home)).records(), "v6"
    )
    p1 = next(row for row in rows if row.version == "p1")
    assert (p1.delta, p1.score_delta) == (None, None)
    assert spell_measured(p1.measured, None, p1.metric) == "0.1000"


def test_its_curves_are_the_loss_and_its_own_metric() -> None:
    told = json.loads(mabe("curves", "p1", "--json").stdout)
    names = {curve["name"] for curve in told["curves"]}
    assert names == {"train_loss", "validation_loss", "mae"}
    text = mabe("curves", "p1", "--width", "60", "--height", "10").stdout
    assert "mae" in text


def test_its_words_are_used_for_what_it_counts() -> None:
    log = mabe("logs", "p1").stdout
    assert "data: 8 scenes to learn from, 2 to validate; 64 pairs, 32 inputs; 9 parameters" in log
    assert "epoch 2/4  train 0.0100  loss 0.0100  mae 0.1000  640 p/s  1.0s" in log
    text = mabe("status", "p1").stdout
    assert "640 pairs/s" in text
    assert "best         mae 0.1000 at epoch 2" in text


def test_it_has_no_videos() -> None:
    with pytest.raises(MisuseError, match=r"^p1: the task pairs has no videos to watch$"):
        mabe("video", "p1")


@pytest.mark.slow
def test_it_is_tuned_towards_the_smallest_error(tmp_path: Path) -> None:
    with (tmp_path / registry.FILE_NAME).open("a") as file:
        file.write(RANGES)
    arguments = ("--trials", "2", "--parallel", "2", "--set", "training.epochs=2", "--json")
    told = json.loads(mabe("tune", "p1", *arguments).stdout)
    reached = [trial["metric"] for trial in told["trials"]]
    assert len(reached) == 2
    assert (told["monitor"], told["best"]["metric"]) == ("mae", min(reached))
