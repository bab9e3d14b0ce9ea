"""The mirror's only writer: each event once and in order, however events arrive."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import RunError
from core.run.events import Failed, Warned, encode
from core.run.rundir import RunDir
from mabe_tui.launch import recorder as recorder_module
from mabe_tui.launch.recorder import LineKey, Recorder, writing
from tests.full_disk import room_for

ATTEMPT = "0001-abcd"
NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)


def line(seq: int, message: str = "") -> bytes:
    return encode(Warned(attempt=ATTEMPT, seq=seq, time=NOW, code="c", message=message))


def text(words: bytes, ordinal: int = 0) -> LineKey:
    return LineKey("ta-1", 1.5, "stdout", words, ordinal)


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    folder = RunDir(tmp_path / "v1-20261121T031500-k3f9")
    folder.path.mkdir()
    return folder


def kept(run: RunDir) -> list[int]:
    return [event.seq for event in run.events()]


@given(st.lists(st.integers(min_value=1, max_value=12)))
def test_any_order_and_any_repetition_give_the_same_mirror(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    run = RunDir(tmp_path_factory.mktemp("runs") / "v1-20261121T031500-k3f9")
    run.path.mkdir()
    recorder = Recorder(run)
    news = [recorder.add_event(line(seq)) for seq in order]
    recorder.flush()
    assert kept(run) == sorted(set(order))
    assert sum(news) == len(set(order))


def test_another_event_under_the_same_number_is_an_error(run: RunDir) -> None:
    recorder = Recorder(run)
    recorder.add_event(line(1, "one"))
    with pytest.raises(RunError, match="event 1 came twice, differently"):
        recorder.add_event(line(1, "another"))
    with pytest.raises(RunError, match="event 1 came twice, differently"):
        recorder.merge_events(ATTEMPT, [line(1, "another")])


def test_a_new_recorder_knows_what_the_last_one_wrote(run: RunDir) -> None:
    first = Recorder(run)
    assert first.add_event(line(1))
    assert first.add_text(ATTEMPT, text(b"words"))
    second = Recorder(run)
    assert not second.add_event(line(1))
    assert not second.add_text(ATTEMPT, text(b"words"))
    assert second.add_text(ATTEMPT, text(b"words", ordinal=1))
    assert run.log_path(ATTEMPT).read_bytes().splitlines() == [line(1), b"words", b"words"]


def test_torn_last_lines_are_replaced_by_the_whole_ones(run: RunDir) -> None:
    Recorder(run).add_event(line(1))
    for path in (run.events_path(ATTEMPT), run.log_path(ATTEMPT)):
        with path.open("ab") as file:
            file.write(line(2)[:20])
    assert Recorder(run).add_event(line(2))
    assert run.events_path(ATTEMPT).read_bytes().splitlines() == [line(1), line(2)]
    assert run.log_path(ATTEMPT).read_bytes().splitlines() == [line(1), line(2)]


def test_the_volume_fills_holes(run: RunDir) -> None:
    recorder = Recorder(run)
    for seq in (1, 4):
        recorder.add_event(line(seq))
    assert recorder.merge_events(ATTEMPT, [line(seq) for seq in range(1, 6)]) == 3
    assert kept(run) == [1, 2, 3, 4, 5]


def test_late_events_cost_one_rewrite(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    rewrites = 0

    def write(path: Path, content: bytes) -> None:
        nonlocal rewrites
        rewrites += 1
        path.write_bytes(content)

    monkeypatch.setattr(recorder_module, "write_bytes_atomically", write)
    monkeypatch.setattr(recorder_module, "LATE_SECONDS", 1e9)
    late = range(10, 200, 2)
    with writing(run) as recorder:
        assert recorder is not None
        for seq in [*(n for n in range(1, 200) if n not in late), *late]:
            assert recorder.add_event(line(seq))
        assert rewrites == 0
        assert not recorder.add_event(line(late[0]))
    assert rewrites == 1
    assert kept(run) == list(range(1, 200))


def test_whoever_reads_an_ending_finds_what_came_late(
    run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "LATE_SECONDS", 1e9)
    ending = encode(Failed(attempt=ATTEMPT, seq=4, time=NOW, error="e", type="E"))
    recorder = Recorder(run)
    for each in (line(1), line(3), line(2), ending):
        recorder.add_event(each)
    assert kept(run) == [1, 2, 3, 4]


def test_a_late_event_is_in_its_place_a_moment_later(
    run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "LATE_SECONDS", 0.0)
    recorder = Recorder(run)
    for seq in (1, 3, 2, 4):
        recorder.add_event(line(seq))
    assert kept(run) == [1, 2, 3, 4]


def test_a_line_that_a_full_disk_cut_short_is_taken_back(run: RunDir) -> None:
    recorder = Recorder(run)
    recorder.add_text(ATTEMPT, text(b"whole"))
    with room_for(10), pytest.raises(RunError, match="cannot be written"):
        recorder.add_text(ATTEMPT, text(b"torn"))
    recorder.add_text(ATTEMPT, text(b"next"))
    assert run.log_path(ATTEMPT).read_bytes() == b"whole\nnext\n"


def test_one_writer_at_a_time(run: RunDir) -> None:
    with writing(run) as first, writing(run) as second:
        assert first is not None
        assert second is None
    with writing(run) as third:
        assert third is not None


def test_what_is_no_event_of_an_attempt_is_not_recorded(run: RunDir) -> None:
    recorder = Recorder(run)
    stray = encode(Warned(attempt="../../etc", seq=1, time=NOW, code="c", message=""))
    assert not recorder.add_event(stray)
    assert not recorder.add_event(b"words")
    assert run.attempts() == []
