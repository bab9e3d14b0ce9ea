"""``mabe cost`` on runs with costs."""

import csv
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import UserError
from core.run.events import System, encode
from core.run.limits import Limits
from core.run.request import RunRequest
from core.run.rundir import RunDir, new_run_id
from core.tasks.behaviour.settings import BehaviourExperiment
from tests.mabe_tui.cli.conftest import Mabe

PaidRun = Callable[[str, float, float], RunDir]


@pytest.fixture
def paid_run(home: Path) -> PaidRun:
    """Make a run of so many hours, so many days ago, at $2 an hour."""

    def make(version: str, hours: float, days_ago: float) -> RunDir:
        end = dt.datetime.now(dt.UTC) - dt.timedelta(days=days_ago)
        created = end - dt.timedelta(hours=hours)
        run = RunDir(home / "runs" / new_run_id(version, created))
        run.write_request(
            RunRequest(
                run=run.id, created=created, launcher="local", seed=1,
                experiment=BehaviourExperiment(name=version), limits=Limits(usd_per_hour=2.0),
            )
        )  # fmt: skip
        events = run.events_path("0001-aaaa")
        events.parent.mkdir(parents=True)
        for seq, moment in ((1, created), (2, end)):
            event = System(
                attempt="0001-aaaa", seq=seq, time=moment, cpu_percent=1.0, memory_mib=1.0
            )
            with events.open("ab") as file:
                file.write(encode(event) + b"\n")
        return run

    return make


def test_by_experiment_with_a_total(invoke: Mabe, paid_run: PaidRun) -> None:
    paid_run("v5", 1, 3)
    paid_run("v6", 2, 3)
    paid_run("v6", 1, 9)
    shown = invoke("cost")
    assert [line.split() for line in shown.stdout.splitlines()] == [
        ["experiment", "runs", "time", "cost"],
        ["v6", "2", "3h", "00m", "$6.00"],
        ["v5", "1", "1h", "00m", "$2.00"],
        ["total", "3", "4h", "00m", "$8.00"],
    ]
    assert "estimate" in shown.stderr


def test_only_some_and_only_lately(invoke: Mabe, paid_run: PaidRun) -> None:
    old, new = paid_run("v6", 1, 9), paid_run("v6", 2, 3)
    paid_run("v5", 1, 3)

    def names(*arguments: str) -> list[str]:
        costs = json.loads(invoke("cost", *arguments, "--json", "--by", "run").stdout)
        return [row["name"] for row in costs["rows"]]

    assert names("v6") == [new.id, old.id]
    assert names("v6", "--since", "7d") == [new.id]
    assert names(old.id) == [old.id]
    since = (dt.datetime.now().astimezone() - dt.timedelta(days=20)).date()
    assert names("v6", "--since", str(since)) == [new.id, old.id]


def test_csv_and_json_say_the_same(invoke: Mabe, paid_run: PaidRun) -> None:
    paid_run("v6", 30, 2)
    rows = list(csv.DictReader(invoke("cost", "--by", "day", "--csv").stdout.splitlines()))
    costs = json.loads(invoke("cost", "--by", "day", "--json").stdout)
    assert [row["day"] for row in rows] == [row["name"] for row in costs["rows"]]
    assert len(rows) >= 2
    assert sum(float(row["usd"]) for row in rows) == pytest.approx(60, abs=0.01)
    assert costs["total"]["usd"] == pytest.approx(60)
    assert costs["total"]["runs"] == 1


def test_nothing_was_spent(invoke: Mabe) -> None:
    shown = invoke("cost", "--since", "7d")
    assert shown.stdout == ""
    assert "nothing was spent" in shown.stderr
    assert json.loads(invoke("cost", "--json").stdout)["total"]["usd"] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--since", "week"], "--since week: write days, as 7d, or a date"),
        (["--since", "0d"], "--since 0d"),
        (["--json", "--csv"], "choose one"),
        (["v77"], "no run 'v77'"),
    ],
)
def test_misuse_is_one_line(invoke: Mabe, paid_run: PaidRun, words: list[str], said: str) -> None:
    paid_run("v6", 1, 1)
    with pytest.raises(UserError, match=said):
        invoke("cost", *words)
