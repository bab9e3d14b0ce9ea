"""Key actions that arrange the home screen: baseline, pins, marks and saved views."""

from collections.abc import Callable

import msgspec

from core.errors import UserError
from mabe_tui.tui.actions import RunActions
from mabe_tui.tui.screens.dialogs.entry import EntryScreen
from mabe_tui.tui.screens.dialogs.pick import PickScreen
from mabe_tui.tui.screens.home.choices import Choices
from mabe_tui.tui.screens.home.runs_pane import RunsPane
from mabe_tui.tui.widgets.table import RowTable

SAVE_VIEW, REMOVE_VIEW = "+ save what is shown as a view", "- remove a view"


class Arranging(RunActions):
    """A screen with versions and runs that the user can arrange."""

    choices: Choices

    @property
    def runs(self) -> RunsPane:
        """The table of runs."""
        return self.query_one(RunsPane)

    @property
    def focused_table(self) -> RowTable:
        """The table that keys act on."""
        raise NotImplementedError

    @property
    def pattern(self) -> str:
        """The pattern that chooses the curves of the charts."""
        raise NotImplementedError

    def use_pattern(self, pattern: str) -> None:
        """Choose the curves of the charts."""
        raise NotImplementedError

    def show_all(self) -> None:
        """Redraw everything with the current arrangement."""
        raise NotImplementedError

    def action_baseline(self) -> None:
        """Make the selected row the baseline, or clear the baseline."""
        if (name := self.focused_table.selected) is not None:
            self._arrange(lambda: self.choices.toggle_baseline(name))

    def action_pin(self) -> None:
        """Pin the selected run to the top, or unpin it."""
        if (run := self.selected_run) is not None:
            self._arrange(lambda: self.choices.toggle_pin(run))

    def action_mark(self) -> None:
        """Mark the selected row for comparison."""
        if (name := self.focused_table.selected) is not None:
            self._arrange(lambda: self.choices.toggle_mark(name))
            self.focused_table.action_move(1)

    def action_views(self) -> None:
        """Choose a saved view, save the current one, or remove one."""

        def chosen(name: str | None) -> None:
            if name == SAVE_VIEW:
                self.app.push_screen(EntryScreen("save view as", hint="its name"), self._save_view)
            elif name == REMOVE_VIEW:
                self.app.push_screen(PickScreen("remove view", list(views)), self._remove_view)
            elif name in views:
                self.runs.use(views[name])
                self.use_pattern(views[name].charts)
            else:
                self._save_view(name)

        views = self.choices.kept.views
        names = [*views, SAVE_VIEW, *([REMOVE_VIEW] if views else [])]
        title = "views: a new name saves what is shown"
        self.app.push_screen(PickScreen(title, names, takes_new=True), chosen)

    def _save_view(self, name: str | None) -> None:
        if name:
            view = msgspec.structs.replace(self.runs.view, charts=self.pattern)
            self._arrange(lambda: self.choices.save_view(name, view))

    def _remove_view(self, name: str | None) -> None:
        if name:
            self._arrange(lambda: self.choices.remove_view(name))

    def _arrange(self, change: Callable[[], None]) -> None:
        try:
            change()
        except UserError as error:
            self.notify(str(error), severity="error", markup=False)
        self.show_all()
