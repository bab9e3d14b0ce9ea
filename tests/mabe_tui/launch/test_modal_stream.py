"""Assembling lines from log entries: pieces, repetitions, and the attempt of each line."""

import datetime as dt
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modal.types import LogEntry

from core.run.events import Warned, encode
from core.run.rundir import RunDir
from mabe_tui.launch.modal.stream import StreamReader
from mabe_tui.launch.recorder import Recorder

BEGAN = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)


def entries(container: str, content: str, cuts: list[int]) -> list[LogEntry]:
    """Cut what a container printed into entries."""
    edges = [0, *sorted({cut % (len(content) + 1) for cut in cuts}), len(content)]
    pieces = [content[a:b] for a, b in pairwise(edges) if a < b]
    return [
        LogEntry(piece, BEGAN + dt.timedelta(seconds=n), "stdout", "fc-1", ["in-1", container])
        for n, piece in enumerate(pieces)
    ]


def printed(attempt: str, container: str) -> str:
    event = encode(Warned(attempt=attempt, seq=1, time=BEGAN, code="c", message="m")).decode()
    head = f"before\nmabe: attempt {attempt} in container {container}\n"
    return f"{head}{event}\nsame\nsame\nlast\n"


def read(run: RunDir, stream: list[LogEntry], events_only: bool = False) -> None:
    reader = StreamReader(Recorder(run), events_only)
    for entry in stream:
        reader.feed(entry)


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    folder = RunDir(tmp_path / "v1-20261121T031500-k3f9")
    folder.path.mkdir()
    return folder


@given(st.lists(st.integers(min_value=0, max_value=400), max_size=6), st.integers(0, 12))
def test_pieces_and_a_stream_that_starts_again(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], until: int
) -> None:
    """However it was cut, and wherever the first stream broke off, the log is what was printed."""
    run = RunDir(tmp_path_factory.mktemp("runs") / "v1-20261121T031500-k3f9")
    run.path.mkdir()
    content = printed("0001-abcd", "ta-1")
    stream = entries("ta-1", content, cuts)
    read(run, stream[:until])
    read(run, stream)
    lines = run.log_path("0001-abcd").read_text().splitlines()
    assert sorted(lines) == sorted(content.splitlines())


def test_lines_of_two_containers_go_to_their_attempts(run: RunDir) -> None:
    first, second = printed("0001-abcd", "ta-1"), printed("0002-efgh", "ta-2")
    mixed = [
        e
        for pair in zip(entries("ta-1", first, [30]), entries("ta-2", second, [30]), strict=True)
        for e in pair
    ]
    read(run, mixed)
    assert "in container ta-1" in run.log_path("0001-abcd").read_text()
    assert "in container ta-2" in run.log_path("0002-efgh").read_text()
    assert [event.attempt for event in run.events()] == ["0001-abcd", "0002-efgh"]


def test_events_only_leaves_out_the_rest(run: RunDir) -> None:
    read(run, entries("ta-1", printed("0001-abcd", "ta-1"), []), events_only=True)
    assert len(run.log_path("0001-abcd").read_text().splitlines()) == 1
