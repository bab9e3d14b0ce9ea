"""A line above the footer of every screen that shows work in progress."""

from typing import cast

from textual.widgets import Static

from mabe_tui.tui.dashboard import Dashboard


class Activity(Static):
    """Shows the app's work in progress; takes no room if there is none."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.display = False

    def on_mount(self) -> None:
        """Follow the app's work."""
        self.watch(self.app, "working", self._show)

    def _show(self) -> None:
        working = cast("Dashboard", self.app).working
        self.display = bool(working)
        self.update("  ".join(working.values()))
