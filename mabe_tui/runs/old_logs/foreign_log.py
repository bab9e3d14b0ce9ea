"""The log of a job that `mabe` did not start, parsed as it arrives: in our own form or the old one."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator

from core.run.events import AnyEvent, Epoch, decode
from mabe_tui.launch.line_buffer import LineBuffer, TimedLine
from mabe_tui.runs.following.mirror import EventItem, Item, TextItem
from mabe_tui.runs.old_logs.import_log import epoch_fields
from mabe_tui.runs.old_logs.old_log import OldEpoch, OldLogReader, Told

Clock = Callable[[], dt.datetime]


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class ForeignLog:
    """Turns pieces of a log into displayable items: events, and lines of text.

    Events are our own lines, and epochs in the form of the earlier training scripts. Those have no sequence
    number or time: they are numbered here, and get the time of their line, or the current time.

    Args:
        reference: ``ap-…`` or ``fc-…``; used as the attempt of events that are not ours.
        clock: returns the time of day.
    """

    def __init__(self, reference: str, clock: Clock = _utc_now) -> None:
        self._reference, self._clock = reference, clock
        self._lines, self._reader = LineBuffer(), OldLogReader()
        self._epochs = 0

    @property
    def asked_epochs(self) -> int | None:
        """Number of epochs requested, if the log says so."""
        return self._reader.log.asked_epochs

    def feed(self, piece: str, time: dt.datetime | None = None, origin: str = "") -> list[Item]:
        """Add a piece; see :class:`~mabe_tui.launch.line_buffer.LineBuffer`."""
        return self._items(self._lines.feed(piece, time, origin))

    def close(self) -> list[Item]:
        """Process the remainder at the end of the log."""
        return self._items(self._lines.close()) + [self._item(t) for t in self._reader.close()]

    def _items(self, lines: Iterable[TimedLine]) -> list[Item]:
        return [item for line, time in lines for item in self._line(line, time)]

    def _line(self, line: str, time: dt.datetime | None) -> Iterator[Item]:
        if (event := decode(line)) is not None:
            yield EventItem(event)
            return
        for told in self._reader.feed(line, time):
            yield self._item(told)

    def _item(self, told: Told) -> Item:
        if isinstance(told, OldEpoch):
            return EventItem(self._event(told))
        return TextItem(self._reference, told.encode())

    def _event(self, epoch: OldEpoch) -> AnyEvent:
        self._epochs += 1
        return Epoch(
            attempt=self._reference,
            seq=self._epochs,
            time=epoch.time or self._clock(),
            **epoch_fields(epoch, self._reader.log),
        )
