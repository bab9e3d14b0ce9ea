"""What keys do to what a person arranges on the home screen: baseline, pins, marks, saved views."""

from collections.abc import Callable

from core.errors import UserError
from mabe_tui.tui.actions import RunActions
from mabe_tui.tui.screens.dialogs.entry import EntryScreen
from mabe_tui.tui.screens.dialogs.pick import PickScreen
from mabe_tui.tui.screens.home.choices import Choices
from mabe_tui.tui.screens.home.runs_pane import RunsPane
from mabe_tui.tui.widgets.table import RowTable

SAVE_VIEW, REMOVE_VIEW = "+ save what is shown as a view", "- remove a view"


class Arranging(RunActions):
    """A screen with versions and runs that can be arranged."""

    choices: Choices

    @property
    def runs(self) -> RunsPane:
        """The runs, as a view shows them."""
        return self.query_one(RunsPane)

    @property
    def focused_table(self) -> RowTable:
        """The table whose row is meant."""
        raise NotImplementedError

    def show_all(self) -> None:
        """Show everything as it is arranged now."""
        raise NotImplementedError

    def action_baseline(self) -> None:
        """Hold everything against the selected row, or against nothing."""
        if (name := self.focused_table.selected) is not None:
            self._arrange(lambda: self.choices.toggle_baseline(name))

    def action_pin(self) -> None:
        """Keep the selected run at the top, or let it go."""
        if (run := self.selected_run) is not None:
            self._arrange(lambda: self.choices.toggle_pin(run))

    def action_mark(self) -> None:
        """Mark the selected row for a comparison."""
        if (name := self.focused_table.selected) is not None:
            self._arrange(lambda: self.choices.toggle_mark(name))
            self.focused_table.action_move(1)

    def action_views(self) -> None:
        """Choose a saved view, save this one, or remove one."""

        def chosen(name: str | None) -> None:
            if name == SAVE_VIEW:
                self.app.push_screen(EntryScreen("save view as", hint="its name"), self._save_view)
            elif name == REMOVE_VIEW:
                self.app.push_screen(PickScreen("remove view", list(views)), self._remove_view)
            elif name in views:
                self.runs.use(views[name])
            else:
                self._save_view(name)

        views = self.choices.kept.views
        names = [*views, SAVE_VIEW, *([REMOVE_VIEW] if views else [])]
        title = "views: a new name saves what is shown"
        self.app.push_screen(PickScreen(title, names, takes_new=True), chosen)

    def _save_view(self, name: str | None) -> None:
        if name:
            self._arrange(lambda: self.choices.save_view(name, self.runs.view))

    def _remove_view(self, name: str | None) -> None:
        if name:
            self._arrange(lambda: self.choices.remove_view(name))

    def _arrange(self, change: Callable[[], None]) -> None:
        try:
            change()
        except UserError as error:
            self.notify(str(error), severity="error", markup=False)
        self.show_all()
