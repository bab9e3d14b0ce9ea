"""Screens that others open. Each is imported when it is first wanted: that keeps the start short."""

from collections.abc import Sequence

from mabe_tui.tui.screens.base import MabeScreen


def run_screen(run: str) -> MabeScreen:
    """Follow a run."""
    from mabe_tui.tui.screens.run.screen import RunScreen

    return RunScreen(run)


def launch_screen(version: str) -> MabeScreen:
    """Launch a version."""
    from mabe_tui.tui.screens.launch.screen import LaunchScreen

    return LaunchScreen(version)


def compare_screen(names: Sequence[str]) -> MabeScreen:
    """Compare versions or runs, the first with the others."""
    from mabe_tui.tui.screens.compare.screen import CompareScreen

    return CompareScreen(list(names))


def checkpoints_screen(run: str) -> MabeScreen:
    """List the checkpoints of a run."""
    from mabe_tui.tui.screens.checkpoints.screen import CheckpointsScreen

    return CheckpointsScreen(run)


def video_screen(run: str) -> MabeScreen:
    """Watch the validation videos of a run."""
    from mabe_tui.tui.screens.video.screen import VideoScreen

    return VideoScreen(run)
