"""Lines above the footer for new notices: they take room of their own, so that they cover nothing."""

from typing import ClassVar, cast

from rich.text import Text
from textual.notifications import Notification
from textual.timer import Timer
from textual.widgets import Static

from mabe_tui.runs.format.untrusted_text import clean
from mabe_tui.tui.dashboard import Dashboard

MOST = 3
"""Notices shown at once; older ones are in the list."""


class NoticeLines(Static):
    """Shows the newest notices until their time is over; takes no room if there is none."""

    DEFAULT_CSS = """
    NoticeLines { height: auto; max-height: 8; padding: 0 1; background: $surface; display: none; }
    """
    COLOURS: ClassVar[dict[str, str]] = {"error": "error", "warning": "warning"}

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._expiry: Timer | None = None
        self._dismissed = 0.0
        """Notices raised before this time were clicked away."""

    def on_mount(self) -> None:
        """Follow the app's notices."""
        self.watch(self.app, "noticed", self._show)

    def on_click(self) -> None:
        """Hide what is shown."""
        notices = cast("Dashboard", self.app).notices
        self._dismissed = notices[-1].raised_at if notices else 0.0
        self._show()

    def _show(self) -> None:
        shown = [
            notice
            for notice in cast("Dashboard", self.app).notices
            if not notice.has_expired and notice.raised_at > self._dismissed
        ]
        # One that is raised again takes the place of the former: a key held down fills no screen.
        shown = [*{(one.title, one.message): one for one in shown}.values()][-MOST:]
        if self._expiry is not None:
            self._expiry.stop()
        self.display = bool(shown)
        if shown:
            self.update(Text("\n").join(map(self._line, shown)))
            least = min(notice.time_left for notice in shown)
            self._expiry = self.set_timer(max(least, 0.01), self._show)

    def _line(self, notice: Notification) -> Text:
        colour = self.app.theme_variables.get(self.COLOURS.get(notice.severity, "primary"))
        own = notice.title if notice.title not in ("", "mabe") else ""
        lines = notice.message.splitlines() or [""]
        text = "\n".join(clean(line) for line in ([own] if own else []) + lines)
        return Text.assemble(("▌ ", colour or ""), text)
