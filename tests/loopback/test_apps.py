"""Detached apps do not stop by themselves; they are stopped once no call in them can be alive."""

from collections.abc import Callable

import pytest
from modal_proto import api_pb2

from core.run.rundir import RunDir
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.modal_launcher import ModalLauncher
from tests.loopback.conftest import Mabe, MakeRun
from tests.loopback.helpers import follow_to_the_end
from tests.loopback.server import LoopbackServer
from tests.waiting import wait_for

End = Callable[[ModalLauncher, RunDir], None]


def is_stopped(server: LoopbackServer, run: RunDir) -> bool:
    handle = run.read_handle()
    assert handle is not None
    app = server.cloud.apps[str(handle.reference["app_id"])]
    return app.state == api_pb2.APP_STATE_STOPPED


def glance(launcher: ModalLauncher, run: RunDir) -> None:
    def has_ended() -> bool:
        launcher.sync(run, quick=True)
        return not launcher.state(run).may_speak

    wait_for(has_ended)


def follow(launcher: ModalLauncher, run: RunDir) -> None:
    assert follow_to_the_end(launcher, run) is RunState.FINISHED


def stop(launcher: ModalLauncher, run: RunDir) -> None:
    wait_for(lambda: launcher.state(run).is_alive)
    launcher.stop(run, grace=20)


@pytest.mark.parametrize("end", [follow, glance, stop])
def test_the_app_of_a_run_that_has_ended_is_stopped(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun, end: End
) -> None:
    server.faults.apps_linger = True
    run = make_run(epochs=1000 if end is stop else 1)
    launcher.launch(run)
    end(launcher, run)
    assert is_stopped(server, run)


def test_an_app_is_not_stopped_under_another_call(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    server.faults.apps_linger = True
    first, second = make_run(epochs=1), make_run(epochs=1000, seconds=0.05)
    launcher.launch_all([first, second], parallel=2)
    follow(launcher, first)
    launcher.sync(first)
    assert not is_stopped(server, first)
    stop(launcher, second)
    assert is_stopped(server, first)


def test_an_app_is_left_alone_where_not_all_of_its_calls_are_known(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    server.faults.apps_linger = True
    first, second = make_run(epochs=1), make_run(epochs=1000, seconds=0.05)
    launcher.launch_all([first, second], parallel=2)
    second.path.rename(second.path.parent.parent / second.id)
    follow(launcher, first)
    assert not is_stopped(server, first)


def test_a_run_that_dies_is_resumed_by_whoever_follows_it(
    launcher: ModalLauncher, make_run: MakeRun, mabe: Mabe
) -> None:
    run = make_run(epochs=1, retries=0, then="crash")
    launcher.launch(run)
    followed = mabe("logs", "-f", run.id, "--auto-resume", "1")
    assert followed.exit_code == 5
    assert len(run.attempts()) == 2
    assert f"{run.id} died (" in followed.stderr
    assert "resuming it, time 1 of at most 1: this goes on from its last checkpoint" in (
        followed.stderr
    )
    assert len(run.history().epochs) == 1
