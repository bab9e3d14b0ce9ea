"""Messages while a run of unknown state is followed."""

import pytest

from core.run.rundir import RunDir
from mabe_tui.cli.following.follow import say_unknown
from mabe_tui.launch import unknown
from mabe_tui.launch.launcher import RunState


def test_an_unknown_state_is_explained_once_and_again_when_it_is_known(
    make_run, capsys: pytest.CaptureFixture[str]
) -> None:
    run: RunDir = make_run()
    said = say_unknown(run, RunState.RUNNING, None)
    unknown.note(run, "Modal is asked too often (rate limit); try again in a minute")
    for _ in range(3):
        said = say_unknown(run, RunState.UNKNOWN, said)
    unknown.forget(run)
    for _ in range(3):
        said = say_unknown(run, RunState.RUNNING, said)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"{run.id}: its state is unknown: Modal is asked too often")
    assert second == f"{run.id}: its state is known again: running"
