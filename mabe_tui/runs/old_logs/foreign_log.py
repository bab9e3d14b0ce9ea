"""The log of a job that nothing here started, understood as it comes: in our own form or the old one."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator

from core.run.events import AnyEvent, Epoch, decode
from mabe_tui.launch.line_buffer import Lines, TimedLine
from mabe_tui.runs.following.mirror import EventItem, Item, TextItem
from mabe_tui.runs.old_logs.import_log import epoch_fields
from mabe_tui.runs.old_logs.old_log import OldEpoch, OldLogReader, Told

Clock = Callable[[], dt.datetime]


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class ForeignLog:
    """Turns pieces of a log into what is shown of a run: events, and lines of text.

    Events are our own lines, and epochs in the form of the scripts that came before. These carry no
    number and no time of their own: they are counted, and the time is that of their line, or of now.

    Args:
        reference: ``ap-…`` or ``fc-…``; stands for the attempt of what is no event of ours.
        clock: tells the time of day.
    """

    def __init__(self, reference: str, clock: Clock = _utc_now) -> None:
        self._reference, self._clock = reference, clock
        self._lines, self._reader = Lines(), OldLogReader()
        self._epochs = 0

    @property
    def asked_epochs(self) -> int | None:
        """How many epochs it is to have, where it says so."""
        return self._reader.log.asked_epochs

    def feed(self, piece: str, time: dt.datetime | None = None, origin: str = "") -> list[Item]:
        """Take in a piece; see :class:`~mabe_tui.launch.line_buffer.Lines`."""
        return self._items(self._lines.feed(piece, time, origin))

    def close(self) -> list[Item]:
        """Take what is left: nothing will follow."""
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
