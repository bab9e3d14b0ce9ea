"""The list of notices, newest first."""

import datetime as dt
from collections.abc import Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.notifications import Notification
from textual.screen import ModalScreen
from textual.widgets import Static

from mabe_tui.runs.format.untrusted_text import clean
from mabe_tui.tui.screens.deferred import DeferringScreen

COLOURS = {"error": "error", "warning": "warning"}


class NoticesScreen(DeferringScreen[None], ModalScreen[None]):
    """Lists what was said since the dashboard was opened.

    Args:
        notices: oldest first.
        problem: why the registry on disk is not in use; shown first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,exclamation_mark", "dismiss", "Close", key_display="esc")
    ]

    def __init__(self, notices: Sequence[Notification], problem: str | None = None) -> None:
        super().__init__()
        self._notices, self._problem = tuple(notices), problem

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = Content("notices")
            yield Static(self._table())

    def _table(self) -> Table:
        variables = self.app.theme_variables
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column()
        if self._problem is not None:
            words = f"the registry on disk is broken, an earlier one is in use: {self._problem}"
            table.add_row(Text("now", style="bold"), Text(clean(words), variables.get("error", "")))
        for notice in reversed(self._notices):
            at = dt.datetime.fromtimestamp(notice.raised_at).astimezone()
            colour = variables.get(COLOURS.get(notice.severity, "foreground"), "")
            lines = "\n".join(map(clean, notice.message.splitlines()))
            table.add_row(Text(f"{at:%H:%M:%S}", style="dim"), Text(lines, style=colour))
        if not self._notices and self._problem is None:
            table.add_row("", Text("no notice yet", style="dim"))
        return table
