"""Saves a screen's view state as it changes, without delaying a key press."""

import threading
from typing import Any

from core.errors import UserError
from mabe_tui.runs.listing.view_state import ViewState


class ViewWriter:
    """Collects changed values, and writes the newest of each.

    Args:
        state: where values are kept.
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

        Values that cannot be written are dropped: they are not worth a notice at every key press.
        """
        with self._lock:
            values, self._unwritten = self._unwritten, {}
            if not values:
                return
            try:
                self._state.keep(self._screen, **values)
            except UserError:
                return
