"""A search on Modal: trials as parallel calls; interruption, resumption and early stopping."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from core.config.tuning import Range
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.modal_launcher import ModalLauncher
from mabe_tui.runs.launching.run_requests import new_request
from mabe_tui.runs.studies.definition import definition_of
from mabe_tui.runs.studies.study import open_study
from mabe_tui.runs.studies.tuning import Tuner
from tests.gate import Gate
from tests.loopback.conftest import Mabe, MakeRun
from tests.loopback.helpers import assert_complete, killed_at_the_end
from tests.loopback.server import LoopbackServer
from tests.waiting import wait_for

MABE = (sys.executable, "-c", "from mabe_tui.cli.main import run; run()")
TUNE = ("tune", "v2", "--on", "modal", "--set", "training.epochs=2")
Tune = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def tune(server: LoopbackServer, home: Path) -> Iterator[Tune]:
    """Begin ``mabe tune v2 --on modal`` in a process of its own."""
    with ExitStack() as clients:

        def begin(*arguments: str) -> "subprocess.Popen[str]":
            client = subprocess.Popen(
                [*MABE, *TUNE, *arguments],
                env=os.environ | server.client_environment() | {"MABE_HOME": str(home)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            return clients.enter_context(killed_at_the_end(client))

        yield begin


def runs_under(home: Path) -> list[RunDir]:
    return [RunDir(path.parent) for path in sorted(home.glob("runs/*/handle.toml"))]


def calls_for(server: LoopbackServer, runs: list[RunDir]) -> int:
    """Count the calls that were made for some runs."""
    return sum(
        any(run.id.encode() in call.input.args for run in runs)
        for call in server.cloud.calls.values()
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_search_that_is_left_loses_nothing(
    tune: Tune, mabe: Mabe, home: Path, server: LoopbackServer, how: signal.Signals, gate: Gate
) -> None:
    gate.hold_after(1)
    three = ("--trials", "3", "--parallel", "2")
    first = tune(*three)
    wait_for(lambda: len(runs_under(home)) == 2 and bool(runs_under(home)[0].history().epochs))
    first.send_signal(how)
    told, said = first.communicate()
    left = runs_under(home)
    assert all(run.id in told + said for run in left) or how is signal.SIGKILL
    gate.open()
    second = mabe(*TUNE, *three, "--json")
    trials = json.loads(second.stdout)["trials"]
    assert [trial["outcome"] for trial in trials] == ["complete"] * 3
    runs = runs_under(home)
    assert {trial["run"] for trial in trials} == {run.id for run in runs} > {r.id for r in left}
    assert calls_for(server, runs) == 3
    for run in runs:
        assert len(assert_complete(run).epochs) == 2


def test_modal_may_be_away_for_a_while(
    tune: Tune, home: Path, server: LoopbackServer, gate: Gate
) -> None:
    gate.hold_after(1)
    search = tune("--trials", "3")
    wait_for(lambda: bool(runs_under(home)) and bool(runs_under(home)[0].history().epochs))
    server.go_down()
    gate.open()
    wait_for(lambda: all(call.done.is_set() for call in server.cloud.calls.values()))
    server.come_back()
    told, said = search.communicate()
    assert search.returncode == 0, said
    assert re.findall(r"trial (\d) +complete", told) == ["0", "1", "2"]


def test_data_that_are_not_there_start_nothing(tune: Tune, home: Path, tmp_path: Path) -> None:
    search = tune("--trials", "3", "--data", "/vol/mabee")
    told, said = search.communicate()
    assert (search.returncode, told) == (1, "")
    last = said.splitlines()[-1]
    assert last.startswith("mabe: --data /vol/mabee: it is not on Modal; there is ")
    assert "mabe data push" in last
    assert not home.exists()


def test_a_poor_trial_is_stopped_on_modal(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun, home: Path, gate: Gate
) -> None:
    gate.hold_after(2)
    experiment = make_run(epochs=3).read_request().experiment
    plan = ["fake.metric=0.1"]

    def request_for(_: list[str]) -> RunRequest:
        return launcher.prepare(new_request(experiment, launcher.name, overrides=plan))

    tuned = with_range(experiment)
    with open_study(
        home / "s", definition_of(tuned, None, (), None, launcher.name), tuned
    ) as study:
        for _ in range(6):
            good = study.new_trial()
            for epoch in (1, 2, 3):
                good.report(epoch, 0.5)
            study.complete(good, 0.5)
        tuner = Tuner(study, "s", home, launcher, request_for, seconds=0.05)
        (result,) = tuner.results(trials=7, parallel=2)
    assert result.outcome == "pruned"
    assert launcher.state(RunDir(home / "runs" / str(result.run))) is RunState.STOPPED


def with_range(experiment: BehaviourExperiment) -> BehaviourExperiment:
    return msgspec.structs.replace(experiment, tune={"model.dropout": Range(low=0.1, high=0.5)})
