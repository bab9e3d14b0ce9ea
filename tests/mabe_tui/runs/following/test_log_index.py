"""A file indexed in any slices as it grows has the same lines as when split at once."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mabe_tui.runs.following import log_index
from mabe_tui.runs.following.log_index import GrowingArray, LogIndex

lines = st.lists(st.binary(max_size=6).map(lambda line: line.replace(b"\n", b"")), max_size=30)


def all_lines(index: LogIndex) -> list[bytes]:
    return index.lines(index.first, index.stop - index.first)


@settings(max_examples=80, deadline=None)
@given(lines, lines, st.integers(1, 9), st.integers(1, 9), st.booleans(), st.integers(1, 9))
def test_lines_of_any_file(
    before: list[bytes], after: list[bytes], back: int, ahead: int, from_end: bool, tail: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_index, "TAIL_BYTES", tail)
        path = Path(folder) / "log.txt"
        old = b"".join(line + b"\n" for line in before)
        path.write_bytes(old + b"torn")
        index = LogIndex(path, from_end=from_end)
        while index.extend(back):
            pass
        with path.open("ab") as file:
            file.write(b"\n" + b"".join(line + b"\n" for line in after) + b"torn again")
        while index.poll(ahead):
            pass
        assert index.complete
        whole = [*before, b"torn", *after]
        assert all_lines(index) == whole
        assert index.first == (-len(before) if from_end else 0)
        content = path.read_bytes()
        for position in range(index.first, index.stop):
            start = index.offset(position)
            line = whole[position - index.first]
            assert content[start : start + len(line) + 1] == line + b"\n"
            assert index.position_at(start) == index.position_at(start + len(line)) == position
        assert index.position_at(index.size) is None


def test_last_lines_are_there_at_once_and_keep_their_positions(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"".join(b"line %06d\n" % number for number in range(100_000)))
    index = LogIndex(path)
    assert index.lines(-2, 5) == [b"line 099998", b"line 099999"]
    assert not index.complete
    while index.extend(64 << 10):
        assert index.lines(-1, 1) == [b"line 099999"]
    assert (index.first, index.stop) == (-100_000, 0)
    assert index.lines(-100_000, 1) == [b"line 000000"]


@pytest.mark.parametrize("how", ["replaced", "cut"])
def test_replaced_or_cut_file_is_begun_anew(tmp_path: Path, how: str) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"one\ntwo\n")
    index = LogIndex(path)
    if how == "replaced":
        (tmp_path / "new").write_bytes(b"three\nfour\nfive\n")
        (tmp_path / "new").replace(path)
    else:
        path.write_bytes(b"three\n")
    while index.poll():
        pass
    assert index.generation == 1
    assert all_lines(index)[0] == b"three"


def test_file_cut_while_it_is_indexed(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"x" * 10 + b"\n" * 300_000)
    index = LogIndex(path)
    path.write_bytes(b"short\n")
    while index.extend():
        pass
    assert index.generation == 1
    assert all_lines(index) == [b"short"]


def test_file_that_comes_later(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    index = LogIndex(path)
    assert (index.poll(), index.complete, index.stop) == (False, True, 0)
    path.write_bytes(b"one\n")
    index.poll()
    assert all_lines(index) == [b"one"]


def test_endless_line_is_shortened(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"x" * 3 * log_index.LONGEST_LINE + b"\nnext\n")
    index = LogIndex(path)
    while index.extend():
        pass
    long, short = all_lines(index)
    assert (len(long), short) == (log_index.LONGEST_LINE, b"next")


@given(st.lists(st.lists(st.integers(1, 5), max_size=5), max_size=6), st.integers(0, 60))
def test_growing_array_counts_as_one_array_does(steps: list[list[int]], value: int) -> None:
    array, numbers = GrowingArray(), np.empty(0, np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GrowingArray, "BLOCK", 4)
        for step in steps:
            start = numbers[-1] if numbers.size else 0
            more = start + np.cumsum(np.array(step, dtype=np.int64))
            array.append(more)
            numbers = np.concatenate([numbers, more])
    assert [array[index] for index in range(len(array))] == numbers.tolist()
    assert array.at_most(value) == np.searchsorted(numbers, value, "right")
    assert array.below(value) == np.searchsorted(numbers, value, "left")
