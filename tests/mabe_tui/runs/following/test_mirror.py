"""A mirror yields each event and each plain line once, however the files grow."""

import datetime as dt
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import RunError
from core.run.events import System, encode
from core.run.rundir import RunDir
from mabe_tui.runs.following.mirror import EventItem, Mirror, TextItem

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
ATTEMPT = "0001-aaaa"


def event_line(seq: int, cpu: float = 1.0, attempt: str = ATTEMPT) -> bytes:
    return encode(System(attempt=attempt, seq=seq, time=NOW, cpu_percent=cpu, memory_mib=1.0))


def run_in(folder: Path, attempt: str = ATTEMPT) -> RunDir:
    run = RunDir(folder)
    run.attempt_folder(attempt).mkdir(parents=True)
    return run


def grow(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


words = st.binary(max_size=8).map(lambda word: b"#" + word.replace(b"\n", b""))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(words, st.none()), max_size=8), st.data())
def test_any_growth_gives_the_same_items(lines: list[bytes | None], data: st.DataObject) -> None:
    written = [event_line(i + 1) if line is None else line for i, line in enumerate(lines)]
    log = b"".join(line + b"\n" for line in written)
    events = b"".join(line + b"\n" for line in written if line.startswith(b"{"))
    log_cuts = sorted(data.draw(st.lists(st.integers(0, len(log)), min_size=4, max_size=4)))
    event_cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), min_size=4, max_size=4)))
    with tempfile.TemporaryDirectory() as folder:
        run = run_in(Path(folder))
        mirror, items, at_log, at_event = Mirror(run), [], 0, 0
        for log_end, event_end in [
            *zip(log_cuts, event_cuts, strict=True),
            (len(log), len(events)),
        ]:
            grow(run.log_path(ATTEMPT), log[at_log:log_end])
            grow(run.events_path(ATTEMPT), events[at_event:event_end])
            at_log, at_event = log_end, event_end
            items += mirror.poll()
    texts = [item.raw for item in items if isinstance(item, TextItem)]
    seqs = [item.event.seq for item in items if isinstance(item, EventItem)]
    assert texts == [line for line in written if not line.startswith(b"{")]
    assert seqs == [i + 1 for i, line in enumerate(lines) if line is None]


def test_new_attempts_are_picked_up_in_order(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    mirror = Mirror(run)
    grow(run.log_path(ATTEMPT), b"one\n")
    assert mirror.poll() == [TextItem(ATTEMPT, b"one")]
    run_in(tmp_path, "0002-bbbb")
    grow(run.log_path("0002-bbbb"), b"two\nto")
    grow(run.log_path(ATTEMPT), b"late\n")
    assert mirror.poll() == [TextItem(ATTEMPT, b"late"), TextItem("0002-bbbb", b"two")]
    assert mirror.remainder() == [TextItem("0002-bbbb", b"to")]


def test_torn_event_is_no_words(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    grow(run.log_path(ATTEMPT), event_line(1)[:-5])
    mirror = Mirror(run)
    assert mirror.poll() == mirror.remainder() == []


def test_event_that_only_the_event_file_has(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    grow(run.log_path(ATTEMPT), b"words of a thread" + event_line(1) + b"\n")
    grow(run.events_path(ATTEMPT), event_line(1) + b"\n")
    text, event = Mirror(run).poll()
    assert isinstance(text, TextItem)
    assert isinstance(event, EventItem)


def test_same_event_told_differently_is_an_error(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    grow(run.log_path(ATTEMPT), event_line(1, cpu=1) + b"\n")
    grow(run.events_path(ATTEMPT), event_line(1, cpu=2) + b"\n")
    with pytest.raises(RunError, match="event 1 of attempt 0001-aaaa is there twice"):
        Mirror(run).poll()


def test_replaced_log_gives_no_event_again(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    mirror = Mirror(run)
    grow(run.log_path(ATTEMPT), event_line(1) + b"\n")
    assert len(mirror.poll()) == 1
    fuller = tmp_path / "fuller"
    fuller.write_bytes(b"words\n" + event_line(1) + b"\n" + event_line(2) + b"\n")
    fuller.replace(run.log_path(ATTEMPT))
    text, event = mirror.poll()
    assert text == TextItem(ATTEMPT, b"words")
    assert isinstance(event, EventItem)
    assert event.event.seq == 2


def test_run_without_attempts_is_silent(make_run: Callable[..., RunDir]) -> None:
    assert Mirror(make_run()).poll() == []
