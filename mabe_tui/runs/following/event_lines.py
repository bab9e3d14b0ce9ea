"""Find an event's line in a log without an index of events: by bisection, as sequence numbers ascend."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from core.run.events import PREFIX, AnyEvent, decode

MARK = b"\n" + PREFIX.encode()
CHUNK_BYTES = 64 << 10


def find_event(path: Path, seq: int, size: int) -> int | None:
    """Return the offset at which an event's line begins; ``None`` if the log has no such line.

    Events of a log that came over a network may be out of order; only then is the whole log scanned.

    Args:
        path: the log of one attempt.
        seq: sequence number of the event in this attempt.
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
    """Return the events whose lines begin in ``[start, stop)``, with their offsets.

    Args:
        file: the log.
        start: an offset, possibly inside a line.
        stop: the offset to end at.
        holding: only lines that contain these bytes are decoded.
    """
    for at, chunk in _whole_lines(file, start, stop):
        found = chunk.find(MARK) if holding in chunk else -1
        while 0 <= found < stop - 1 - at:
            line = chunk[found + 1 : chunk.find(b"\n", found + 1)]
            if holding in line and (event := decode(line)) is not None:
                yield at + found + 1, event
            found = chunk.find(MARK, found + 1)


def _whole_lines(file: BinaryIO, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
    """Yield pieces that begin and end with a newline, which neighbours share, and their offsets."""
    at = start - 1  # so that a line that begins at ``start`` has its newline before it
    while at < stop - 1:
        file.seek(max(0, at))
        chunk = (b"\n" if at < 0 else b"") + file.read(CHUNK_BYTES) + file.readline()
        end = chunk.rfind(b"\n")
        if end <= 0:
            return
        yield at, chunk[: end + 1]
        at += end
