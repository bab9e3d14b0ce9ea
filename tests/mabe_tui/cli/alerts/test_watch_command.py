"""``mabe watch`` through the command line."""

import json
from pathlib import Path

import pytest

from core.errors import ConfigError, MisuseError, UserError
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.runs.alerts.outbox import Outbox
from tests.mabe_tui.recorded import record
from tests.mabe_tui.runs.alerts.conftest import NOW


@pytest.fixture
def run(home: Path) -> RunDir:
    """A run that was alive when a watcher looked last."""
    run = record(home, BehaviourExperiment(name="v6"))
    Outbox(home).looked([run.id], [run.id], NOW)
    return run


def test_a_rule_alerts_once(invoke, tmp_path: Path, run: RunDir) -> None:
    rule = ("watch", "--once", "--json", "--rule", "finished", "--rule", "f1 > 0.9")
    program = f"tee -a '{tmp_path / 'told to'}'"
    first = invoke(*rule, "--command", program)
    event = json.loads(first.stdout)
    assert (event["run"], event["when"], event["state"]) == (run.id, "finished", "finished")
    assert json.loads((tmp_path / "told to").read_text()) == event
    assert invoke(*rule, "--command", program).stdout == ""


def test_rules_of_the_registry_are_replayed(invoke, tmp_path: Path, run: RunDir) -> None:
    with pytest.raises(MisuseError, match=r"no rules: write \[\[alerts\]\] in .*, or give one"):
        invoke("watch", "--once")
    rules = '[experiments.v6]\n[[alerts]]\nname = "good"\nwhen = "f1 >= 0.3"\n'
    (tmp_path / "experiments.toml").write_text(rules)
    said = invoke("watch", "--replay")
    assert f"{run.id} f1_macro 0.3, epoch 2 of" in said.stdout
    assert "good: would have fired for 1 of 1 runs" in said.stderr
    (past,) = json.loads(invoke("watch", "--replay", "--json").stdout)
    assert (past["rule"], past["runs"], len(past["fired"])) == ("good", 1, 1)
    assert Outbox(tmp_path / "home").read().fired == {}


def test_a_test_names_what_does_not_work(invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    works = invoke("watch", "--test", "--rule", "lost", "--command", "true")
    assert "lost: command: delivered" in works.stderr
    fails = invoke("watch", "--test", "--rule", "lost", "--command", "false")
    assert (fails.exit_code, "exit code 1" in fails.stderr) == (1, True)
    monkeypatch.delenv("NO_SUCH", raising=False)
    with pytest.raises(UserError, match="env:NO_SUCH: the environment variable is not set"):
        invoke("watch", "--rule", "lost", "--to", "slack", "--url", "env:NO_SUCH")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "bell"], "belong to a --rule"),
        (["--rule", "lost", "--to", "bel"], "did you mean 'bell'"),
        (["--rule", "lost", "--command", "'"], "--command: No closing quotation"),
        (["--rule", "lost", "--runs", "epoc > 1"], "rule 'lost', runs: column 1: no field"),
    ],
)
def test_a_wrong_line_is_refused(invoke, words: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        invoke("watch", "--once", *words)
