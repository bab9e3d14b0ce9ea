"""A live run as TensorBoard's event files: each value a moment after the run has reported it."""

from collections.abc import Iterable
from pathlib import Path

from core.config.experiment import flatten
from core.run.events import AnyEvent, DataReady, Resumed
from mabe_tui.runs.curves.panels import RunNumbers
from mabe_tui.runs.exports.exported import exported_curves
from mabe_tui.runs.exports.tensorboard import TensorBoardWriter
from mabe_tui.runs.reading.event_files import EventReader
from mabe_tui.runs.reading.growing import GrowingFold
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.tasks import spec_of


class FollowedExport:
    """Writes what a run reports into a folder of event files, whenever :meth:`update` is called.

    When the run resumes from a checkpoint, TensorBoard is told to hide what the resume superseded.

    Args:
        entry: the run.
        folder: the folder of its event files.

    Raises:
        RunError: the run cannot be read, or tensorboardX is not installed.
    """

    def __init__(self, entry: RunEntry, folder: Path) -> None:
        self.entry, self.folder = entry, folder
        self._request = entry.require_request()
        self._reader, self._fold = EventReader(entry.run), GrowingFold()
        self._after: dict[str, tuple[int, int]] = {}
        """The last event of which each curve's points were written."""
        self._attempts: set[str] = set()
        """Attempts of which it is known where they go on from."""
        self._writer = TensorBoardWriter(folder)
        self._writer.describe(flatten(self._request.experiment), self._request.created.timestamp())

    def update(self) -> int:
        """Write what is new; return the number of points.

        Raises:
            RunError: the folder cannot be written.
        """
        new = self._fold.feed(self._reader.read())
        if not new:
            return 0
        self._purge(new)
        spec = spec_of(self._request.experiment)
        numbers = RunNumbers(
            self.entry.id, self._fold.points, self._fold.history, self._request.limits, spec
        )
        count = 0
        for each in exported_curves(numbers, may_be_empty=True):
            points = [*each.points(self._after.get(each.name, (-1, 0)))]
            if points:
                self._writer.add(points)
                self._after[each.name] = points[-1].event
                count += len(points)
        self._writer.flush()
        return count

    def close(self) -> None:
        """Write what waits, and close the file."""
        self._writer.close()

    def _purge(self, new: Iterable[AnyEvent]) -> None:
        """Hide what a new attempt supersedes: the steps after its checkpoint, or all."""
        begun: dict[str, int] = {}
        for event in new:
            if isinstance(event, Resumed):
                begun[event.attempt] = event.step + 1
            elif isinstance(event, DataReady):
                begun.setdefault(event.attempt, 0)
        for attempt, step in begun.items():
            if attempt in self._attempts:
                continue
            if self._attempts:
                self._writer.close()
                self._writer = TensorBoardWriter(self.folder, purge_from=step)
            self._attempts.add(attempt)
