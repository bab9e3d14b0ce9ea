"""Assembling lines from pieces of a log."""

import datetime as dt

from mabe_tui.launch.line_buffer import LineBuffer

FIRST, SECOND = (dt.datetime(2026, 11, 21, hour, tzinfo=dt.UTC) for hour in (1, 2))


def test_a_line_has_the_time_of_its_beginning() -> None:
    lines = LineBuffer()
    assert lines.feed("a\nb", FIRST) == [("a", FIRST)]
    assert lines.feed("b\nc\nd", SECOND) == [("bb", FIRST), ("c", SECOND)]
    assert lines.close() == [("d", SECOND)]
    assert lines.close() == []


def test_a_line_in_many_pieces_keeps_its_first_time() -> None:
    lines = LineBuffer()
    for piece, time in (("a", FIRST), ("b", SECOND), ("c", SECOND)):
        assert lines.feed(piece, time) == []
    assert lines.feed("\n", SECOND) == [("abc", FIRST)]


def test_origins_do_not_mix() -> None:
    lines = LineBuffer()
    lines.feed("out", None, "1")
    assert lines.feed("err\n", None, "2") == [("err", None)]
    assert lines.feed("put\n", None, "1") == [("output", None)]
