"""Screens that the home screen opens, each imported when it is first wanted: that keeps the start short."""

from collections.abc import Callable

from mabe_tui.tui.screens.base import MabeScreen
from mabe_tui.tui.screens.home.arranging import Arranging


class Opening(Arranging):
    """A screen from which others are opened, on what is selected or marked."""

    @property
    def selected_version(self) -> str | None:
        """The version that is meant; ``None``: there is none."""
        raise NotImplementedError

    def open_run(self, run: str) -> None:
        """Follow a run."""
        from mabe_tui.tui.screens.run.screen import RunScreen

        self.app.push_screen(RunScreen(run))

    def action_launch(self) -> None:
        """Launch the selected version."""
        from mabe_tui.tui.screens.launch.screen import LaunchScreen

        if (version := self.selected_version) is not None:
            self.app.push_screen(LaunchScreen(version))

    def action_compare(self) -> None:
        """Compare what is marked; else the selected row with the baseline."""
        from mabe_tui.tui.screens.compare.screen import CompareScreen

        names = self.choices.to_compare(self.focused_table.selected)
        if len(names) > 1:
            self.app.push_screen(CompareScreen(list(names)))
        else:
            self.notify("mark two with space, or pin a baseline with b", severity="warning")

    def action_checkpoints(self) -> None:
        """List the checkpoints of the selected run."""
        from mabe_tui.tui.screens.checkpoints.screen import CheckpointsScreen

        self._open_of_run(CheckpointsScreen)

    def action_video(self) -> None:
        """Watch a validation video of the selected run."""
        from mabe_tui.tui.screens.video.screen import VideoScreen

        self._open_of_run(VideoScreen)

    def _open_of_run(self, screen: Callable[[str], MabeScreen]) -> None:
        if (run := self.selected_run) is not None:
            self.app.push_screen(screen(run))
        else:
            self.notify("there is no run yet", severity="warning")
