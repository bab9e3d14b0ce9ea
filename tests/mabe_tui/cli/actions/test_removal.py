"""``mabe rm``, ``trash`` and ``restore`` through the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import MisuseError, RunError, UserError
from core.run import places
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.local_launcher import LocalLauncher
from tests.mabe_tui.recorded import record
from tests.waiting import wait_for

Mabe = Callable[..., object]


@pytest.fixture
def runs(home: Path) -> list[RunDir]:
    return [
        record(home, BehaviourExperiment(name=name), f1=(score,))
        for name, score in (("v5", 0.1), ("v6", 0.2), ("v6", 0.4))
    ]


def listed(invoke) -> list[str]:
    return [row["id"] for row in json.loads(invoke("runs", "--json").stdout)]


def test_runs_chosen_by_a_query_are_removed_and_come_back(invoke, runs: list[RunDir]) -> None:
    with pytest.raises(RunError, match="add --yes"):
        invoke("rm", "--all", "--where", "f1 < 0.3")
    assert len(listed(invoke)) == 3
    said = invoke("rm", "--all", "--where", "f1 < 0.3", "--yes")
    assert "which keeps it for 14 days" in said.stderr
    assert listed(invoke) == [runs[2].id]
    rows = json.loads(invoke("trash", "--json").stdout)
    assert {row["run"] for row in rows} == {runs[0].id, runs[1].id}
    assert all(row["bytes"] > 0 and row["empties"] > row["removed"] for row in rows)
    with pytest.raises(RunError, match=f"{runs[0].id} is in the trash"):
        invoke("status", runs[0].id)
    invoke("restore", runs[0].id)
    assert set(listed(invoke)) == {runs[0].id, runs[2].id}
    invoke("restore")
    assert len(listed(invoke)) == 3
    assert json.loads(invoke("trash", "--json").stdout) == []


def test_what_to_remove_is_said_once(invoke, runs: list[RunDir]) -> None:
    for words in ([], ["last", "--where", "f1 < 1"], ["--where", " "]):
        with pytest.raises(MisuseError, match="--where"):
            invoke("rm", "--all", "--yes", *words)
    with pytest.raises(UserError, match=r"column 1: .*did you mean"):
        invoke("rm", "--all", "--yes", "--where", "epoc > 1")
    assert len(listed(invoke)) == 3
    assert "nothing to remove" in invoke("rm", "--where", "f1 > 0.9", "--yes").stderr


def test_live_runs_are_left_out_of_a_query(
    invoke, launcher: LocalLauncher, make_run: Callable[..., RunDir], runs: list[RunDir]
) -> None:
    alive = make_run(then="wait", epochs=0)
    launcher.launch(alive)
    wait_for(lambda: launcher.state(alive) is RunState.RUNNING)
    said = invoke("rm", "--all", "--yes", "--where", "not version:v9").stderr
    assert f"left out: {alive.id} is running" in said
    assert listed(invoke) == [alive.id]


def test_now_skips_the_trash_and_empty_frees_it(invoke, home: Path, runs: list[RunDir]) -> None:
    assert "are free again" in invoke("rm", "--all", "--now", runs[0].id, "--yes").stderr
    invoke("rm", "--all", runs[1].id, "--yes")
    assert [row["run"] for row in json.loads(invoke("trash", "--json").stdout)] == [runs[1].id]
    with pytest.raises(RunError, match="add --yes"):
        invoke("trash", "empty")
    assert "are free again" in invoke("trash", "empty", "--yes").stderr
    assert not [path for path in places.trash(home).iterdir() if path.is_dir()]
    with pytest.raises(RunError, match="the trash is empty"):
        invoke("restore", runs[1].id)


def test_a_broken_registry_empties_nothing(invoke, tmp_path: Path, runs: list[RunDir]) -> None:
    (tmp_path / "experiments.toml").write_text("[trash]\ndays = 0\n")
    said = invoke("rm", "--all", runs[0].id, "--yes").stderr
    assert "the trash is not emptied:" in said
    assert "until `mabe trash empty`" in said
