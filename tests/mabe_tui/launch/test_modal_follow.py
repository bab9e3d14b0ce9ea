"""Following a Modal run, without Modal."""

import time
from pathlib import Path

from core.rundir import RunDir
from mabe_tui.launch.launcher import Connection
from mabe_tui.launch.modal import follow
from mabe_tui.launch.modal.follow import Follower


def test_pauses_grow_to_the_longest_and_stay_there_for_days(tmp_path: Path) -> None:
    told = list[Connection]()
    follower = Follower(RunDir(tmp_path), "fc-x", told.append)
    follower._leave.set()  # so that no pause is waited for
    for _ in range(5000):
        follower._pause(ConnectionError("refused"))
    assert len(told) == 4999  # one cut is nothing unusual
    last = told[-1].retry_at
    assert last is not None
    assert last - time.monotonic() <= follow.LONGEST_PAUSE
    assert "refused" in told[-1].problem
