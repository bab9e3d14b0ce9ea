"""``mabe compare`` over several seeds, as text and as data."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from core.errors import ConfigError

Mabe = Callable[..., Result]


def test_seeds_are_averaged_in_tables_csv_and_json(invoke: Mabe) -> None:
    started = json.loads(invoke("run", "v1", "--seeds", "3,1", "--json").stdout)
    assert [Path(one["folder"]).name for one in started] == [one["run"] for one in started]
    assert len(started) == 2
    invoke("run", "v2", "--seed", "1")
    text = invoke("compare", "v1", "v2").stdout
    rows = {" ".join(line.split()) for line in text.splitlines()}
    assert "seeds 1, 3 1" in rows
    assert "f1_macro 0.2000 ± 0.0000 0.2000" in rows
    assert "no verdict" in text
    assert "curves, one point an epoch, mean over the seeds" in rows
    assert any(row.startswith("v1 f1_macro ⣀") for row in rows)

    lines = list(csv.reader(io.StringIO(invoke("compare", "v1", "v2", "--csv").stdout)))
    quantities = [line[1:] for line in lines]
    assert ["f1_macro", "0.2000", "0.2000"] in quantities
    assert ["f1_macro, std over seeds", "0.0000", ""] in quantities

    first, second = json.loads(invoke("compare", "v1", "v2", "--json").stdout)["sides"]
    assert (first["seeds"], second["seeds"]) == ([1, 3], [1])
    assert first["best_over_seeds"]["f1_macro"] == {"mean": 0.2, "std": 0.0}
    assert first["curve_over_seeds"]["monitor"][0] == {"mean": 0.1, "std": 0.0}
    assert second["curve_over_seeds"] is None
    assert first["summary"]["id"] == first["runs"][0]["id"]


def test_latest_leaves_the_other_seeds_out(invoke: Mabe) -> None:
    started = json.loads(invoke("run", "v1", "--seeds", "3,1", "--json").stdout)
    assert [Path(one["folder"]).name for one in started] == [one["run"] for one in started]
    assert len(started) == 2
    first, _ = json.loads(invoke("compare", "v1", "v2", "--latest", "--json").stdout)["sides"]
    assert (first["seeds"], first["best_over_seeds"]) == ([1], {})


def test_a_run_is_not_compared_with_itself(invoke: Mabe) -> None:
    with pytest.raises(ConfigError, match="v1 and v1 are the same: v1; name two"):
        invoke("compare", "v1", "v1")
    run = invoke("run", "v1").stdout.strip()
    with pytest.raises(ConfigError, match=f"v1 and {run} are the same: {run}; name two"):
        invoke("compare", "v1", "v2", run)


def test_a_run_that_cannot_be_read_is_named(invoke: Mabe, home: Path) -> None:
    invoke("run", "v1")
    damaged = invoke("run", "v1").stdout.strip()
    (home / "runs" / damaged / "run.toml").write_text("format =")
    result = invoke("compare", "v1", "v2", "--json")
    assert json.loads(result.stdout)["sides"][0]["summary"]["state"] == "finished"
    assert f"left out: {home / 'runs' / damaged / 'run.toml'}: cannot be read" in result.stderr


def test_the_verdict_of_the_last_epoch_is_marked_and_not_for_checkpoints(invoke: Mabe) -> None:
    run = invoke("run", "v1").stdout.strip()
    with pytest.raises(ConfigError, match="--epoch is for versions and runs"):
        invoke("compare", f"{run}@best", f"{run}@last", "--epoch", "last")
    (verdict,) = json.loads(invoke("compare", "v1", "v2", "--epoch", "last", "--json").stdout)[
        "verdicts"
    ]
    assert verdict["sentence"].startswith("v2 − v1: no verdict: v2 has no run here")
    assert (verdict["about"], verdict["distinguishable"]) == (None, None)
