"""The connection to a remote run, in words."""

from mabe_tui.launch.launcher import CONNECTED, Connection
from mabe_tui.runs.following.connection import connection_line, turns

LOST = Connection("Modal cannot be reached", retry_at=104.0)


def test_line_counts_down_to_the_next_try() -> None:
    assert connection_line(CONNECTED, 100.0) == ""
    assert connection_line(LOST, 100.2) == "log: again in 4 s: Modal cannot be reached"
    assert connection_line(LOST, 104.5) == "log: trying again: Modal cannot be reached"
    given_up = Connection("the disk is full")
    assert connection_line(given_up, 100.0) == "log: no longer followed: the disk is full"


def test_only_turns_are_said() -> None:
    said: list[str] = []
    hear = turns(said.append, "v6-x")
    for connection in (CONNECTED, LOST, LOST, CONNECTED, CONNECTED, LOST, Connection("full")):
        hear(connection)
    assert said == [
        "v6-x: Modal cannot be reached; trying again",
        "v6-x: connected again",
        "v6-x: Modal cannot be reached; trying again",
        "v6-x: following had to be given up: full",
    ]


def test_notice_is_said_and_is_no_turn_of_the_connection() -> None:
    said = list[str]()
    hear = turns(said.append, "v6-x")
    notice = Connection(notice="v6-x: it is over, but its app could not be stopped")
    for connection in (LOST, notice, CONNECTED):
        hear(connection)
    assert said[1:] == [notice.notice, "v6-x: connected again"]
    assert connection_line(notice) == notice.notice
