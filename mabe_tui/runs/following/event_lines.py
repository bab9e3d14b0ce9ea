"""Finding an event's line in a log without an index of events: by halving, as its numbers ascend."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from core.run.events import PREFIX, AnyEvent, decode

MARK = b"\n" + PREFIX.encode()
CHUNK_BYTES = 64 << 10


def find_event(path: Path, seq: int, size: int) -> int | None:
    """Return the offset at which an event's line begins; ``None`` where the log has no such line.

    A log that came over a network may have events out of order; only then all of it is looked through.

    Args:
        path: the log of one attempt.
        seq: number of the event in this attempt.
        size: bytes of the log to look at.
    """
    try:
        with path.open("rb") as file:
            found = _halved(file, seq, size)
            return found if found is not None else _looked_through(file, seq, size)
    except OSError:
        return None


def _halved(file: BinaryIO, seq: int, size: int) -> int | None:
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        offset, event = next(events_from(file, middle, high), (high, None))
        if event is None or event.seq > seq:
            high = middle
        elif event.seq == seq:
            return offset
        else:
            low = offset + 1
    return None


def _looked_through(file: BinaryIO, seq: int, size: int) -> int | None:
    events = events_from(file, 0, size, b'"seq":%d,' % seq)
    return next((offset for offset, event in events if event.seq == seq), None)


def events_from(
    file: BinaryIO, start: int, stop: int, holding: bytes = b""
) -> Iterator[tuple[int, AnyEvent]]:
    """Return the events whose lines begin from ``start`` on and before ``stop``, with where they do.

    Args:
        file: the log.
        start: an offset, be it within a line.
        stop: where to end.
        holding: only lines that hold these bytes are decoded.
    """
    for at, chunk in _whole_lines(file, start, stop):
        found = chunk.find(MARK) if holding in chunk else -1
        while 0 <= found < stop - 1 - at:
            line = chunk[found + 1 : chunk.find(b"\n", found + 1)]
            if holding in line and (event := decode(line)) is not None:
                yield at + found + 1, event
            found = chunk.find(MARK, found + 1)


def _whole_lines(file: BinaryIO, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
    """Give pieces that begin and end with a newline, neighbours sharing it, and their offsets."""
    at = start - 1  # so that a line which begins at ``start`` has its newline before it
    while at < stop - 1:
        file.seek(max(0, at))
        chunk = (b"\n" if at < 0 else b"") + file.read(CHUNK_BYTES) + file.readline()
        end = chunk.rfind(b"\n")
        if end <= 0:
            return
        yield at, chunk[: end + 1]
        at += end
