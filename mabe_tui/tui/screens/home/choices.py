"""What a person has arranged on the home screen: baseline, pins, views, and marks."""

from collections.abc import Collection, Sequence

import msgspec

from core.errors import UserError
from mabe_tui.runs.listing.measured import Measured, measured_name, measured_version
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.listing.view_state import Arrangement, View, ViewState


class Choices:
    """All but the marks is kept on disk at once; another program may change it there.

    Methods that change something raise :class:`~core.errors.UserError` where the state folder cannot be
    written.
    """

    def __init__(self, state: ViewState) -> None:
        self._state = state
        self.kept = Arrangement()
        """As it was read last."""
        self.marked: dict[str, None] = {}
        """Versions and runs, in the order in which they were marked."""

    def reread(self) -> None:
        """Read what is kept, apart from where screens were left."""
        self.kept = msgspec.structs.replace(self._state.read(), screens={})

    def toggle_baseline(self, name: str) -> None:
        """Hold everything against this, or against nothing where it was this already."""
        self._state.set_baseline(None if name == self.kept.baseline else name)
        self.reread()

    def toggle_pin(self, name: str) -> None:
        """Pin it, or let it go."""
        change = self._state.unpin if name in self.kept.pinned else self._state.pin
        change(name)
        self.reread()

    def save_view(self, name: str, view: View) -> None:
        """Keep a view under a name."""
        self._state.save_view(name, view)
        self.reread()

    def remove_view(self, name: str) -> None:
        """Forget a view."""
        self._state.remove_view(name)
        self.reread()

    def toggle_mark(self, name: str) -> None:
        """Mark it, or take its mark away."""
        if name in self.marked:
            del self.marked[name]
        else:
            self.marked[name] = None

    def measured_baseline(
        self, records: Sequence[RunRecord], versions: Collection[str]
    ) -> Measured | None:
        """Sum up what all runs are held against; ``None`` where there is none, or none any more.

        Args:
            records: of all runs, newest first.
            versions: of the registry; a version need not have a run yet.
        """
        name = self.kept.baseline
        if name is None:
            return None
        try:
            return (measured_version if name in versions else measured_name)(name, records)
        except UserError:  # the pinned run was removed
            return None

    def to_compare(self, selected: str | None) -> Sequence[str]:
        """Name what a comparison is of: what is marked; else the baseline and what is selected."""
        if len(self.marked) > 1:
            return tuple(self.marked)
        names = (self.kept.baseline, *self.marked, selected)
        return tuple(dict.fromkeys(name for name in names if name is not None))
