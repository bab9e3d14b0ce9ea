"""Key actions that open other screens from the home screen."""

from collections.abc import Callable

from mabe_tui.tui.screens.home.arranging import Arranging


class Opening(Arranging):
    """A screen from which others are opened, for the selected or marked rows."""

    @property
    def selected_version(self) -> str | None:
        """The version to act on; ``None`` if there is none."""
        raise NotImplementedError

    def copyable(self) -> dict[str, str]:
        """Return ids of the selection, and the commands that show it, train it or compare it."""
        version, run = self.selected_version, self.selected_run
        names = self.choices.to_compare(self.focused_table.selected)
        words = {"run": run or "", "version": version or ""}
        words["command: status"] = f"mabe status {run}" if run else ""
        words["command: launch"] = f"mabe run {version}" if version else ""
        words["command: compare"] = f"mabe compare {' '.join(names)}" if len(names) > 1 else ""
        return words

    def action_launch(self) -> None:
        """Open the launch form of the selected version."""
        if (version := self.selected_version) is not None:
            self.mabe.open_launch(version)

    def action_compare(self) -> None:
        """Compare the marked rows; else the selected row with the baseline."""
        names = self.choices.to_compare(self.focused_table.selected)
        if len(names) > 1:
            self.mabe.open_comparison(names)
        else:
            self.notify("mark two with space, or pin a baseline with b", severity="warning")

    def action_history(self) -> None:
        """Show how the selected version came about."""
        self.mabe.open_history(self.selected_version)

    def action_checkpoints(self) -> None:
        """List the checkpoints of the selected run."""
        self._open_of_run(self.mabe.open_checkpoints)

    def action_video(self) -> None:
        """Show the validation videos of the selected run."""
        self._open_of_run(self.mabe.open_videos)

    def action_examples(self) -> None:
        """Show the examples that the selected run got most wrong."""
        self._open_of_run(self.mabe.open_examples)

    def _open_of_run(self, opened: Callable[[str], None]) -> None:
        if (run := self.selected_run) is not None:
            opened(run)
        else:
            self.notify(f"{self.selected_version} has no run yet", severity="warning")
