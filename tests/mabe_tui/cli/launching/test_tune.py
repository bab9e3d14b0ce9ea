"""``mabe tune`` on the command line, with fake jobs."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from core.config.registry import default_path, load
from core.errors import ConfigError, MisuseError, RunError
from mabe_tui.runs.store import RunStore

Mabe = Callable[..., Result]
QUICK = ("--set", "training.epochs=2")


def test_ends_with_the_command_that_keeps_the_best(invoke: Mabe, home: Path) -> None:
    result = invoke("tune", "v2", "--trials", "2", "--parallel", "2", *QUICK)
    assert result.exit_code == 0
    *lines, summary, command = [line for line in result.stdout.splitlines() if line]
    assert [line.split()[2] for line in lines] == ["complete"] * 2
    assert summary.startswith("highest of 2: trial ")
    words = shlex.split(command)
    assert words[:5] == ["mabe", "new", "v9", "--extends", "v2"]
    kept = load(default_path()).experiment("v2", words[6::2])
    entries = RunStore(home).entries()
    assert len(entries) == 2
    assert kept in [entry.require_request().experiment for entry in entries]


def test_what_a_trial_does_is_told_while_it_does_it(invoke: Mabe, home: Path, narrow: None) -> None:
    result = invoke("tune", "v2", "--trials", "1", *QUICK)
    (entry,) = RunStore(home).entries()
    told = result.stderr.splitlines()
    assert told[-3:] == [
        f"trial 0: {entry.id}",
        "trial 0: epoch 1/2  f1_macro 0.1000",
        "trial 0: epoch 2/2  f1_macro 0.2000",
    ]
    lines = result.stdout.split("\nhighest of")[0].splitlines()
    assert max(map(len, lines)) <= 80
    assert entry.id in " ".join(lines).split()


def test_goes_on_and_tells_all_trials_as_json(invoke: Mabe, home: Path) -> None:
    invoke("tune", "v2", "--trials", "1", *QUICK)
    told = json.loads(invoke("tune", "v2", "--trials", "2", *QUICK, "--json").stdout)
    assert (told["study"], told["version"], told["monitor"]) == ("v2", "v2", "f1_macro")
    assert [trial["trial"] for trial in told["trials"]] == [0, 1]
    assert told["best"]["metric"] == 0.2
    assert told["command"].startswith("mabe new v9 --extends v2 --set training.epochs=2 --set ")
    assert Path(told["folder"]) == home / "tune" / "v2"
    tagged = json.loads(invoke("runs", "--tag", "tune:v2", "--json").stdout)
    assert {run["id"] for run in tagged} == {trial["run"] for trial in told["trials"]}


def test_what_is_set_is_not_tuned(invoke: Mabe) -> None:
    told = json.loads(
        invoke("tune", "v2", "--trials", "1", *QUICK, "--set", "model.dropout=0.1", "--json").stdout
    )
    assert "model.dropout" not in told["best"]["values"]
    assert "training.learning_rate" in told["best"]["values"]
    with pytest.raises(RunError, match=r"begun with other overrides; .*--name"):
        invoke("tune", "v2", "--trials", "1", *QUICK)
    invoke("tune", "v2", "--trials", "1", *QUICK, "--name", "other")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["v1", "--trials", "2"], r"v1 has no ranges to tune; .*\[experiments\.v1\.tune\]"),
        (["v2", "--trials", "2", "--name", "a b"], "letters, digits"),
        (["v6", "--trials", "2", "--on", "local"], "mabe run v6 --data DIR"),
        (["v2", "--trials", "2", "--set", "tune.training.epoch={low=1,high=2}"], "training.epochs"),
    ],
)
def test_what_cannot_be_asked_for(
    invoke: Mabe, home: Path, arguments: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        invoke("tune", *arguments)
    assert not home.exists()


def test_no_completed_trial_is_an_error_code(invoke: Mabe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_THEN", "fail")
    result = invoke("tune", "v2", "--trials", "1", *QUICK)
    assert result.exit_code == 1
    assert "failed" in result.stdout
    assert "no trial of v2 was completed" in result.stderr


def test_a_grid_has_its_own_number_of_trials(invoke: Mabe) -> None:
    ranges = [
        "tune.training.learning_rate={low=1e-3,high=1e-2,log=true,step=10}",
        "tune.training.batch_size={choices=[16,32]}",
        'tune.training.weight_decay="none"',
        'tune.model.dropout="none"',
    ]
    asked = ["tune", "v2", *QUICK, *(word for each in ranges for word in ("--set", each))]
    with pytest.raises(ConfigError, match="4 combinations, more than --trials 3"):
        invoke(*asked, "--sampler", "grid", "--trials", "3")
    told = json.loads(invoke(*asked, "--sampler", "grid", "--json").stdout)
    values = [tuple(trial["values"].values()) for trial in told["trials"]]
    assert values == [("0.001", "16"), ("0.001", "32"), ("0.01", "16"), ("0.01", "32")]
    assert told["saved"] is None


def test_importance_is_shown_written_and_refused(invoke: Mabe, home: Path, tmp_path: Path) -> None:
    invoke("tune", "v2", "--trials", "8", "--sampler", "random", "--parallel", "8", *QUICK)
    told = json.loads(invoke("tune", "--importance", "v2", "--json").stdout)
    assert (told["study"], told["trials"]) == ("v2", 8)
    assert not any(each["above_noise"] for each in told["settings"]), "all its scores are alike"
    shown = invoke("tune", "--importance", "v2", "--svg", str(tmp_path / "i.svg"))
    assert (tmp_path / "i.svg").read_text().startswith("<?xml")
    assert shown.stdout == ""
    lines = invoke("tune", "--importance", "v2").stdout.splitlines()
    assert len(lines) == 1 + len(told["settings"])
    for words, message in (
        (["v2", "--importance", "v2"], "leave out the version"),
        (["v2", "--trials", "1", "--svg", "x.svg"], "goes with --importance"),
        (["v2"], "--trials N: how many"),
        ([], "name a version"),
    ):
        with pytest.raises(MisuseError, match=message):
            invoke("tune", *words)
