"""The command line on the stand-in: commands and their output."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import ConfigError, RunError, UserError
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.modal import client as modal_client
from mabe_tui.launch.modal_launcher import ModalLauncher
from mabe_tui.runs.store import RunStore
from tests.gate import Gate
from tests.loopback.conftest import Mabe, MakeRun
from tests.loopback.helpers import assert_complete, follow_to_the_end, killed_at_the_end
from tests.loopback.server import LoopbackServer
from tests.waiting import Bound, wait_for

MABE = (sys.executable, "-c", "from mabe_tui.cli.main import run; run()")
QUICK = ["--set", "training.epochs=2", "--set", "hardware.gpu=T4"]


def only_run(home: Path) -> RunDir:
    (entry,) = RunStore(home).entries()
    return entry.run


def test_run_is_followed_to_its_end_and_pulled(mabe: Mabe, home: Path) -> None:
    result = mabe("run", "v1", "--on", "modal", "--budget", "3", *QUICK)
    run = only_run(home)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{run.id}\n"
    assert "$0.72 an hour" in result.stderr
    assert "app ap-" in result.stderr
    assert "epoch 2/2" in result.stderr
    assert "finished after epoch 2" in result.stderr
    limits = run.read_request().limits
    assert (limits.cost_usd, limits.usd_per_hour) == (3.0, 0.7164)
    assert limits.attempt_seconds == 86_400 - 300
    (row,) = json.loads(mabe("runs", "--json").stdout)
    assert (row["state"], row["epoch"], row["cost_usd"] is not None) == ("finished", 2, True)
    assert "not here (mabe pull)" in mabe("checkpoints").stdout
    (path,) = mabe("pull", "last", "best").stdout.split()
    assert Path(path).is_file()
    assert len(set(mabe("pull", "last", "all").stdout.split())) == 2
    assert "whole" in mabe("checkpoints", "--verify").stdout
    with pytest.raises(RunError, match="no checkpoint 'epoch-7'; there is last, best, epoch-0001"):
        mabe("pull", "last", "epoch-7")
    assert "0 of them new" in mabe("sync").stderr
    events = sum(1 for _ in run.events())
    assert json.loads(mabe("sync", "--json").stdout) == {"run": run.id, "events": events, "new": 0}
    assert json.loads(mabe("pull", "last", "best", "--json").stdout) == {
        "run": run.id, "files": [str(path)],
    }  # fmt: skip
    assert mabe("ps").stderr == "no run of this computer is alive on Modal\n"


def test_detached_run_prints_its_ids_and_goes_on(
    mabe: Mabe, home: Path, server: LoopbackServer, gate: Gate
) -> None:
    gate.hold_after(1)
    shown = json.loads(
        mabe(
            "run", "v1", "--on", "modal", "-d", "--json", *QUICK, "--set", "training.epochs=100"
        ).stdout
    )
    run = only_run(home)
    assert shown["run"] == run.id
    assert shown["call_id"] in server.cloud.calls
    assert shown["app_id"] in server.cloud.apps
    wait_for(lambda: json.loads(mabe("status", "--json").stdout)["state"] == "running")
    wait_for(lambda: "epoch   1/100" in mabe("logs").stdout)
    listed = json.loads(mabe("ps", "--json").stdout)
    assert [(row["id"], row["app_id"]) for row in listed["runs"]] == [(run.id, shown["app_id"])]
    assert (
        f"app          {shown['app_id']}\ncall         {shown['call_id']}" in mabe("status").stdout
    )
    assert listed["foreign"] == []
    stopped = mabe("stop", "last", "--grace", "3600")
    assert "its last checkpoint is saved" in stopped.stderr
    assert mabe("resume", "-d", "--budget", "9").exit_code == 0
    assert run.read_request().limits.cost_usd == 9
    wait_for(lambda: "going on from step" in mabe("logs").stdout)
    mabe("stop", "last", "--grace", "3600")


def test_dry_run_asks_nobody(mabe: Mabe, home: Path, server: LoopbackServer) -> None:
    before = dict(server.control.calls)
    shown = mabe("run", "v6", "--on", "modal", "--data", "/vol/mabe", "--dry-run").stdout
    assert "mabe-h100-training: H100, 4 cores, 64 GiB" in shown
    assert "about $" in shown
    assert "as its documents claim" in shown
    assert server.control.calls == before
    assert not home.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "hardware.gpu=h100"], "'h100' is spelled 'H100'"),
        (
            ["--set", "hardware.gpu=H900"],
            "no price is known for H900, .*; --yes starts it all the same",
        ),
        (["--set", "hardware.gpu=H900", "--budget", "3", "--yes"], "so no budget can be kept"),
        (["--data", "."], "mabe data push"),
    ],
)
def test_what_modal_does_not_have_is_refused(
    mabe: Mabe, home: Path, words: list[str], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        mabe("run", "v1", "--on", "modal", *words)
    assert not home.exists()


def test_of_a_list_of_gpus_the_one_that_was_given_is_paid_for(
    server: LoopbackServer, mabe: Mabe, home: Path
) -> None:
    server.faults.gpus_taken = ("H100!",)
    words = ["run", "v1", "--on", "modal", "--set", "training.epochs=1", "--seed", "1"]
    machine = ["--set", "hardware.gpu=H100!,A100-80GB", "--set", "hardware.region=eu"]
    shown = mabe(*words, *machine, "--dry-run").stdout
    assert "H100!, else A100-80GB, 2 cores, 4 GiB, eu" in shown
    assert "$3.94 to $6.11 an hour, by the GPU that it gets" in shown
    assert mabe(*words, *machine, "--set", "hardware.cloud=oci").exit_code == 0
    call = [*server.cloud.calls.values()][-1]
    _, function = server.cloud.functions[call.function_id]
    assert function.resources.gpu_config.gpu_type == "A100-80GB"
    assert function.scheduler_placement.regions == ["eu"]
    assert function.cloud_provider_str == "oci"
    (row,) = json.loads(mabe("runs", "--json").stdout)
    assert row["gpu"] == "A100-80GB"
    run = RunDir(home / "runs" / row["id"])
    assert row["cost_usd"] == pytest.approx(3.9366 * run.history().seconds / 3600)


def test_above_the_budget_it_is_not_started_unasked(mabe: Mabe, home: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"above the budget of \$1\.00: it would stop there; --yes"
    ):
        mabe("run", "v6", "--on", "modal", "--data", "/vol/mabe", "--budget", "1")
    assert not home.exists()


def test_a_refused_launch_leaves_no_run(mabe: Mabe, home: Path, server: LoopbackServer) -> None:
    server.go_down()
    modal_client.forget_probe()
    with pytest.raises(UserError, match="cannot be reached"):
        mabe("run", "v1", "--on", "modal", "-d", *QUICK)
    assert RunStore(home).entries() == []


def test_logs_show_what_is_here_when_modal_is_away(
    mabe: Mabe, home: Path, server: LoopbackServer, gate: Gate
) -> None:
    gate.hold_after(1)
    mabe("run", "v1", "--on", "modal", "-d", *QUICK, "--set", "training.epochs=100")
    wait_for(lambda: "epoch   1/100" in mabe("logs").stdout)
    server.go_down()
    modal_client.forget_probe()
    shown = mabe("logs")
    assert "epoch   1/100" in shown.stdout
    assert "only what is here already" in shown.stderr
    assert json.loads(mabe("status", "--json").stdout)["state"] == "unknown"


def test_the_client_is_killed_and_another_takes_over(
    server: LoopbackServer, home: Path, launcher: ModalLauncher, gate: Gate
) -> None:
    """A laptop's lid closes: the run goes on, and whoever looks next sees all of it."""
    arguments = ["run", "v1", "--on", "modal", "--set", "training.epochs=3"]
    gate.hold_after(1)
    begun = subprocess.Popen(
        [*MABE, *arguments],
        env=os.environ | server.client_environment() | {"MABE_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with killed_at_the_end(begun):
        wait_for(lambda: any(home.rglob("handle.toml")))
        run = only_run(home)
        wait_for(lambda: bool(run.history().epochs))
    gate.open()
    assert follow_to_the_end(launcher, run) is RunState.FINISHED
    assert len(assert_complete(run).epochs) == 3


def test_ctrl_c_leaves_a_log_without_a_word(
    mabe: Mabe, home: Path, server: LoopbackServer, gate: Gate
) -> None:
    gate.hold_after(1)
    shown = json.loads(
        mabe("run", "v1", "--on", "modal", "-d", "--json", "--set", "training.epochs=2").stdout
    )
    for reference in (shown["run"], shown["call_id"], shown["app_id"]):
        begun = subprocess.Popen(
            [*MABE, "logs", "-f", reference],
            env=os.environ | server.client_environment() | {"MABE_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with killed_at_the_end(begun) as follower:
            assert follower.stdout is not None
            assert follower.stdout.readline()
            follower.send_signal(signal.SIGINT)
            _, said = follower.communicate()
        assert (said, follower.returncode) == ("", 0)


def test_two_followers_write_once(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    run = make_run(epochs=3, seconds=0.05)
    launcher.launch(run)
    with launcher.following(run), launcher.following(run):
        wait_for(lambda: not launcher.state(run).may_speak)
    assert_complete(run)
    log = run.log_path(run.attempts()[0]).read_bytes().splitlines()
    assert len(log) == len(set(log))


def test_launching_does_not_wait_for_the_log(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    """As the client does, 10 s each time, where its output is enabled."""
    bound = Bound(25)
    for _ in range(3):
        launcher.launch(make_run(epochs=1))
    assert not bound.is_over


def test_data_are_pushed_once_and_listed(mabe: Mabe, tmp_path: Path) -> None:
    folder = tmp_path / "mice"
    mabe("data", "synth", str(folder), "--videos", "2", "--frames", "100", "--workers", "1")
    first = mabe("data", "push", str(folder))
    assert first.stdout == "/vol/mice\n"
    assert "2 labelled videos" in first.stderr
    assert "; 0 files were sent" in mabe("data", "push", str(folder)).stderr
    assert json.loads(mabe("data", "push", str(folder), "--json").stdout) == {
        "data": "/vol/mice", "files_sent": 0, "videos": 2, "left_out": 0,
    }  # fmt: skip
    assert "--data" in mabe("data", "ls").stdout
    (listed,) = json.loads(mabe("data", "ls", "--json").stdout)
    files = [path for path in folder.rglob("[!.]*") if path.is_file()]  # without its lock
    assert (listed["name"], listed["files"]) == ("mice", len(files))
    assert listed["bytes"] == sum(path.stat().st_size for path in files)
    with pytest.raises(UserError, match="cannot be a data set's name"):
        mabe("data", "push", str(folder), "--name", "cache")
