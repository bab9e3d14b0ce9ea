"""Save a screen's view state as it changes, without delaying key presses."""

import threading
from typing import Any

from core.errors import UserError
from mabe_tui.runs.listing.view_state import ViewState


class ViewWriter:
    """Collects changed values and writes the newest of each.

    Args:
        state: where the values are stored.
        screen: the screen that they belong to.
    """

    def __init__(self, state: ViewState, screen: str) -> None:
        self._state, self._screen = state, screen
        self._unwritten: dict[str, Any] = {}
        self._lock = threading.Lock()

    def add(self, **values: Any) -> None:
        """Add values to be written; they must be plain JSON."""
        self._unwritten = self._unwritten | values

    def write(self) -> None:
        """Write all values added so far; may be called from several threads at once.

        Values that cannot be written are dropped: a notice at every key press would be worse.
        """
        with self._lock:
            values, self._unwritten = self._unwritten, {}
            if not values:
                return
            try:
                self._state.keep(self._screen, **values)
            except UserError:
                return
