"""The user's arrangement of the home screen: baseline, pins, views and marks."""

from collections.abc import Collection, Sequence

import msgspec

from core.errors import UserError
from mabe_tui.runs.listing.measured import Measured, measured_name, measured_version
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.listing.view_state import Arrangement, SavedView, ViewState


class Choices:
    """Everything but the marks is saved to disk immediately; other programs may change it there.

    Methods that change something raise :class:`~core.errors.UserError` if the state folder cannot be
    written.
    """

    def __init__(self, state: ViewState) -> None:
        self._state = state
        self.kept = Arrangement()
        """The arrangement as last read."""
        self.marked: dict[str, None] = {}
        """Versions and runs, in the order in which they were marked."""

    def reread(self) -> None:
        """Read the saved arrangement, without the view state of screens."""
        self.kept = msgspec.structs.replace(self._state.read(), screens={})

    def toggle_baseline(self, name: str) -> None:
        """Make this the baseline, or clear it if it already is."""
        self._state.set_baseline(None if name == self.kept.baseline else name)
        self.reread()

    def toggle_pin(self, name: str) -> None:
        """Pin or unpin a run."""
        change = self._state.unpin if name in self.kept.pinned else self._state.pin
        change(name)
        self.reread()

    def save_view(self, name: str, view: SavedView) -> None:
        """Save a view under a name."""
        self._state.save_view(name, view)
        self.reread()

    def remove_view(self, name: str) -> None:
        """Remove a view."""
        self._state.remove_view(name)
        self.reread()

    def toggle_mark(self, name: str) -> None:
        """Mark or unmark a row."""
        if name in self.marked:
            del self.marked[name]
        else:
            self.marked[name] = None

    def measured_baseline(
        self, records: Sequence[RunRecord], versions: Collection[str]
    ) -> Measured | None:
        """Return a summary of the baseline; ``None`` if there is none or it no longer exists.

        Args:
            records: all runs, newest first.
            versions: those of the registry; a version may have no run yet.
        """
        name = self.kept.baseline
        if name is None:
            return None
        try:
            return (measured_version if name in versions else measured_name)(name, records)
        except UserError:  # the pinned run was removed
            return None

    def to_compare(self, selected: str | None) -> Sequence[str]:
        """Return the names to compare: the marked ones; else the baseline and the selected one."""
        if len(self.marked) > 1:
            return tuple(self.marked)
        names = (self.kept.baseline, *self.marked, selected)
        return tuple(dict.fromkeys(name for name in names if name is not None))
