"""``mabe run``: its requests, its errors, and its output streams."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from typer.testing import Result

from core.errors import ConfigError, DataError, UserError
from core.run.rundir import RunDir
from mabe_tui.runs.format.units import parse_duration
from mabe_tui.runs.store import RunStore

Mabe = Callable[..., Result]


def only_run(home: Path) -> RunDir:
    (entry,) = RunStore(home).entries()
    return entry.run


def test_followed_to_the_end(invoke: Mabe, home: Path) -> None:
    result = invoke(
        "run", "v1", "--seed", "7", "--tag", "try", "--max-time", "2h", "--set", "training.epochs=2"
    )
    run = only_run(home)
    request = run.read_request()
    assert result.exit_code == 0
    assert result.stdout == f"{run.id}\n"
    assert "epoch 2/2  train 0.5000  loss 0.5000  f1_macro 0.2000" in result.stderr
    assert "finished after epoch 2" in result.stderr
    assert (request.seed, request.experiment.training.seed) == (7, 7)
    assert request.limits.seconds == 7200
    assert request.overrides == ("training.epochs=2",)
    assert run.read_about().tags == ("try",)


def test_detached_returns_at_once(invoke: Mabe, home: Path) -> None:
    result = invoke("run", "v1", "-d", "--json")
    assert json.loads(result.stdout) == {
        "run": only_run(home).id,
        "folder": str(only_run(home).path),
    }
    assert "epoch" not in result.stderr


def test_seeds_are_runs_of_their_own(invoke: Mabe, home: Path) -> None:
    result = invoke("run", "v1", "--seeds", "3,1")
    seeds = {entry.id: entry.require_request().seed for entry in RunStore(home).entries()}
    assert [seeds[line] for line in result.stdout.split()] == [3, 1]


def test_detached_seeds_tell_of_all_at_once(invoke: Mabe, home: Path) -> None:
    result = invoke("run", "v1", "--seeds", "3,1,2", "-d", "--parallel", "2", "--tag", "try")
    runs = {entry.id: entry for entry in RunStore(home).entries()}
    assert [runs[line].require_request().seed for line in result.stdout.split()] == [3, 1, 2]
    assert all(entry.run.read_about().tags == ("try",) for entry in runs.values())
    assert result.stderr.count("mabe logs -f") == 1


def test_folds_are_runs_of_one_group(invoke: Mabe, home: Path) -> None:
    arguments = ["--folds", "3", "--seeds", "1,2", "--keep-predictions", "--tag", "try"]
    result = invoke("run", "v1", *arguments, "-d", "--parallel", "6")
    runs = {entry.id: entry for entry in RunStore(home).entries()}
    ids = result.stdout.split()
    requests = [runs[run].require_request() for run in ids]
    data = [request.experiment.data for request in requests]
    assert [(r.seed, d.fold) for r, d in zip(requests, data, strict=True)] == [
        (seed, fold) for seed in (1, 2) for fold in range(3)
    ]
    assert {each.folds for each in data} == {3}
    assert all(request.experiment.training.keep_predictions for request in requests)
    assert {entry.run.read_about().tags for entry in runs.values()} == {
        ("try", f"folds:{runs[ids[0]].short}")
    }


def test_more_folds_than_videos_are_refused(invoke: Mabe, home: Path) -> None:
    few = "data.synthetic_videos=4"
    with pytest.raises(DataError, match=r"5 folds of 4 videos.*ask for 4 folds at most"):
        invoke("run", "v1", "--set", few, "--folds", "5")
    assert not home.exists()


def test_dry_run_touches_nothing(invoke: Mabe, home: Path) -> None:
    shown = json.loads(invoke("run", "v1", "--dry-run", "--json").stdout)
    assert shown["request"]["experiment"]["name"] == "v1"
    assert shown["quote"]["launcher"] == "local"
    assert shown["estimate"] is None
    text = invoke("run", "v1", "--dry-run", "--seeds", "1,2").stdout
    assert text.startswith("version    v1\n")
    assert "training.batch_size" not in text
    assert "v1-20" not in text
    changed = invoke("run", "v1", "--dry-run", "--set", "training.batch_size=8").stdout
    assert changed.splitlines()[-1].split() == ["training.batch_size", "32", "8"]
    assert text.count("--attempt NAME") == 2
    assert not home.exists()


def test_estimate_goes_by_an_earlier_run(invoke: Mabe, home: Path) -> None:
    invoke("run", "v1")
    shown = json.loads(invoke("run", "v1", "--dry-run", "--json").stdout)
    assert shown["estimate"]["seconds_per_epoch"] == 2.0
    assert (
        shown["estimate"]["seconds"] == 2.0 * shown["request"]["experiment"]["training"]["epochs"]
    )
    run = only_run(home)
    run.write_request(msgspec.structs.replace(run.read_request(), imported=True))
    assert json.loads(invoke("run", "v1", "--dry-run", "--json").stdout)["estimate"] is None


def test_version_without_its_data_names_the_command(invoke: Mabe, home: Path) -> None:
    with pytest.raises(ConfigError, match=r"`mabe run v6 --data DIR --on local`.*`mabe data synth"):
        invoke("run", "v6")
    assert not home.exists()


def test_data_folder_is_looked_at_before_anything_starts(
    invoke: Mabe, home: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="no such folder"):
        invoke("run", "v6", "--on", "local", "--data", str(tmp_path / "none"))
    with pytest.raises(DataError, match=r"train\.csv"):
        invoke("run", "v6", "--on", "local", "--data", str(tmp_path))
    assert not home.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed", "1", "--seeds", "2"], "exclude one another"),
        (["--seeds", "1,x"], "write whole numbers"),
        (["--seeds", "1,2,1"], "named twice"),
        (["--max-time", "soon"], "write it as 2h"),
        (["--max-time", "2"], "with its unit"),
        (["--max-time", "0h"], "write it as 2h"),
        (["--on", "locl"], "did you mean 'local'"),
        (["--set", "training.batchsize=2"], "batch_size"),
        (["--preset", "dmeo"], "did you mean 'demo'"),
    ],
)
def test_what_cannot_be_asked_for(
    invoke: Mabe, home: Path, arguments: list[str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        invoke("run", "v1", *arguments)
    assert not home.exists()


@pytest.mark.parametrize(
    ("text", "seconds"), [("2h", 7200), ("1h30m", 5400), ("90s", 90), ("1.5m", 90), ("1w", 604800)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
