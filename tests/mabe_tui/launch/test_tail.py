"""Following a file yields each whole line once, however it is written."""

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mabe_tui.launch import tail
from mabe_tui.launch.tail import LineTail

contents = st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=8)


@given(contents, st.data())
def test_any_split_into_chunks_gives_the_same_lines(
    lines: list[bytes], data: st.DataObject
) -> None:
    content = b"".join(line + b"\n" for line in lines) + b"torn"
    cuts = sorted(data.draw(st.sets(st.integers(0, len(content)), max_size=6)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.txt"
        follower, seen = LineTail(path), []
        for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
            with path.open("ab") as file:
                file.write(content[start:end])
            seen += follower.read()
        assert seen == lines
        assert follower.read_partial() == b"torn"


def test_line_longer_than_a_chunk(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    long = b"x" * (2 * tail.CHUNK_BYTES + 5)
    path.write_bytes(long + b"\nshort\n")
    assert LineTail(path).read() == [long, b"short"]


def test_replaced_and_shrunk_files_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"one\ntwo\n")
    follower = LineTail(path)
    assert follower.read() == [b"one", b"two"]
    other = tmp_path / "other"
    other.write_bytes(b"three\nfour\nfive\n")
    other.replace(path)
    assert follower.read() == [b"three", b"four", b"five"]
    path.write_bytes(b"six\n")
    assert follower.read() == [b"six"]


def test_missing_file_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "none"
    assert LineTail(path).read() == []
    assert tail.last_lines(path) == []
    assert tail.first_line(path) == b""


def test_edges_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"first\nsecond\nthird\nto")
    assert tail.first_line(path) == b"first"
    assert tail.last_lines(path) == [b"first", b"second", b"third"]
    assert tail.last_lines(path, size=10) == [b"third"]
