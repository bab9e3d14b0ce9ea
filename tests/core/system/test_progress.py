"""Throttled progress callbacks."""

from core.system.progress import sparing

ENDLESS = 1e9


def test_only_beginnings_and_ends_are_told_within_the_time():
    told: list[tuple[int, int, str]] = []
    tell = sparing(lambda *how_far: told.append(how_far), ENDLESS)
    for done in range(4):
        tell(done, 3, "files")
    tell(1, 9, "videos")
    tell(2, 9, "videos")
    assert told == [(0, 3, "files"), (3, 3, "files"), (1, 9, "videos")]


def test_all_is_told_where_there_is_no_time_between():
    told: list[int] = []
    tell = sparing(lambda done, _total, _what: told.append(done), 0.0)
    for done in range(4):
        tell(done, 9, "files")
    assert told == [0, 1, 2, 3]
