"""What a screen wants to find again, written as it changes without holding up a key press."""

import threading
from typing import Any

from core.errors import UserError
from mabe_tui.runs.listing.view_state import ViewState


class Keeper:
    """Collects values and writes the newest of each.

    Args:
        state: where they are kept.
        screen: whose they are.
    """

    def __init__(self, state: ViewState, screen: str) -> None:
        self._state, self._screen = state, screen
        self._unwritten: dict[str, Any] = {}
        self._lock = threading.Lock()

    def add(self, **values: Any) -> None:
        """Take values to be written; plain JSON ones."""
        self._unwritten = self._unwritten | values

    def write(self) -> None:
        """Write what has come up to now; from any thread, also from several at once.

        What cannot be written is forgotten: nothing in it is worth a notice at every key press.
        """
        with self._lock:
            values, self._unwritten = self._unwritten, {}
            if not values:
                return
            try:
                self._state.keep(self._screen, **values)
            except UserError:
                return
