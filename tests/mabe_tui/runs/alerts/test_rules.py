"""Rules and their conditions: what is understood, and what is refused with its place."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.config import registry
from core.config.toml_text import read_toml
from core.errors import ConfigError
from core.run.events import Failed, Finished
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.runs.alerts.conditions import parse_condition
from mabe_tui.runs.alerts.past import replayed
from mabe_tui.runs.alerts.rules import AlertRule, rules_of
from mabe_tui.runs.alerts.watcher import parsed_rules
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.store import RunStore
from tests.mabe_tui.recorded import record

VERSION = "[experiments.v1]\n"


def read(tmp_path: Path, text: str) -> list[AlertRule]:
    path = tmp_path / "experiments.toml"
    path.write_text(VERSION + text)
    return rules_of(registry.parsed(path, *read_toml(path)))


def test_rules_of_the_registry(tmp_path: Path) -> None:
    assert read(tmp_path, "") == []
    (rule,) = read(
        tmp_path,
        '[[alerts]]\nwhen = "failed or lost"\nto = ["desktop", "slack"]\nurl = "env:HOOK"\n',
    )
    assert (rule.local, rule.remote, repr(rule.secret)) == (("desktop",), ("slack",), "env:HOOK")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('when = "x"\nto = "bell"', "to: 'bell' is not"),
        ('when = "lost"\nto = ["bel"]', "did you mean 'bell'"),
        ('when = "lost"\nwhere = "x"', "unknown key"),
        ('to = ["bell"]', "when: is missing"),
        (
            'when = "lost"\nto = ["slack"]\nurl = "https://hooks/SECRET"',
            "name where the address is",
        ),
        ('when = "lost"\nto = ["slack"]', "name where the address is kept"),
        ('when = "lost"\nurl = "env:HOOK"', "`to` names no webhook"),
        ('when = "lost"\nto = ["slack", "ntfy"]\nurl = "env:HOOK"', "two rules"),
        ('when = "lost"\nto = ["command"]', "command is missing"),
        ('when = "lost"\ncommand = ["x"]', 'to = \\["command"\\] is missing'),
        ('when = "lost"\n[[alerts]]\nwhen = "lost"', "two rules 'lost'"),
    ],
)
def test_a_wrong_rule_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        read(tmp_path, f"[[alerts]]\n{text}\n")
    assert str(tmp_path / "experiments.toml") in str(caught.value)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("finishd", "did you mean 'finished'"),
        ("failed and cost > 5", "state == failed"),
        ("epoc > 4", "did you mean 'epoch'"),
        ("f2 not improved for 3 epochs", "no field 'f2'"),
        ("loss not improved for 0 epochs", "is no condition"),
        ("", "is no condition"),
    ],
)
def test_what_is_no_condition_is_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_condition(text)


def fired(home: Path, when: str, runs: str = "") -> list[tuple[int, str]]:
    """Return the epoch and the text of each alert that a rule would have made."""
    store = RunStore(home)
    records = Catalog(store).records()
    rules = parsed_rules([AlertRule(when=when, runs=runs)], records)
    (past,) = replayed(store, rules, records, lambda *_: None)
    return [(event.epoch, event.text.partition(" ")[2]) for event in past.fired]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("f1 > 0.25", [2]),
        ("f1 > 0.3", []),
        ("epoch >= 3", [3]),
        ("finished", [3]),
        ("failed, lost", []),
        ("nan", []),
        ("stalled", []),
        ("f1 not improved for 1 epoch", [3]),
        ("f1 not improved for 2 epochs", []),
        ("loss not improved for 1 epochs", []),
        ("cost > 0", []),
    ],
)
def test_a_rule_fires_at_the_first_moment_at_which_it_holds(
    home: Path, when: str, expected: Sequence[int]
) -> None:
    record(home, BehaviourExperiment(name="v6"), f1=(0.1, 0.3, 0.2), ending=Finished)
    assert [epoch for epoch, _ in fired(home, when)] == expected


def test_failures_numbers_that_are_none_and_cost(home: Path) -> None:
    experiment = BehaviourExperiment(name="v6")
    record(home, experiment, f1=(0.1, math.nan), ending=Failed, usd_per_hour=36.0)
    assert fired(home, "failed") == [(2, "failed: out of memory, 2m 00s, $1.20")]
    ((epoch, text),) = fired(home, "nan")
    assert (epoch, text) == (2, "f1_macro is nan in epoch 2")
    assert fired(home, "cost > 0.5")[0][0] == 1
    assert fired(home, "failed", runs="version:v7") == []
