"""A panel with facts about the current frame: position, classes, probabilities, actions."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.style import Style

from mabe_tui.plotting.ethogram import NAME_WIDTH, class_glyphs
from mabe_tui.plotting.grid import ALERT, AXIS, PLAIN, Grid, Row
from mabe_tui.runs.videos.video import TrackedVideo
from mabe_tui.runs.videos.video_prediction import PredictedVideo
from mabe_tui.tui.class_styles import class_style
from mabe_tui.tui.screens.video.playback import clock_text
from mabe_tui.tui.widgets.picture import Picture

KEY_WIDTH = 7
BARS_AT = 8
"""Row of the first probability."""
ACTS = 2
"""Number of annotated actions that are named."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """The current view of a video."""

    frame: int = 0
    playing: bool = False
    speed: float = 1.0
    look: str = ""
    """The name of the arena's view."""


class FrameFactsPane(Picture):
    """A column of text and bars."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._video: TrackedVideo | None = None
        self._watched: PredictedVideo | None = None
        self._moment = Moment()
        self._waiting = ""

    def show(self, video: TrackedVideo | None, watched: PredictedVideo | None) -> None:
        """Show another video, or newly available data about it."""
        self._video, self._watched = video, watched
        self.redraw()

    def wait(self, words: str) -> None:
        """Show why there are no probabilities in their place."""
        self._waiting = words
        self.redraw()

    def show_moment(self, moment: Moment) -> None:
        """Show another frame or view."""
        if moment != self._moment:
            self._moment = moment
            self.redraw()

    def picture(self, width: int, height: int, ascii_only: bool) -> Sequence[Row]:
        """Return the lines from the top."""
        if self._video is None:
            return ()
        grid = Grid(height, width)
        self._write_place(grid, self._video, ascii_only)
        self._write_classes(grid, self._video)
        self._write_probabilities(grid, ascii_only)
        return grid.rows()

    def role_style(self, role: int, y: int) -> Style:
        """Apply each class's colour."""
        return class_style(self.colours, role) if role >= 0 else super().role_style(role, y)

    def _write_place(self, grid: Grid, video: TrackedVideo, ascii_only: bool) -> None:
        at, moment = video.frames_per_second, self._moment
        signs = (">", "=") if ascii_only else ("▶", "‖")
        grid.put(0, 0, f"{signs[not moment.playing]} {moment.speed:g}x")
        grid.put(0, KEY_WIDTH, moment.look, AXIS)
        grid.put(1, 0, "frame", AXIS)
        grid.put(1, KEY_WIDTH, f"{moment.frame} of {video.frames}")
        grid.put(2, 0, "time", AXIS)
        grid.put(
            2, KEY_WIDTH, f"{clock_text(moment.frame / at)} of {clock_text(video.frames / at)}"
        )

    def _write_classes(self, grid: Grid, video: TrackedVideo) -> None:
        frame, names = self._moment.frame, video.classes
        true = int(video.truth[frame])
        grid.put(3, 0, "truth", AXIS)
        grid.put(3, KEY_WIDTH, names[true][:NAME_WIDTH], true)
        grid.put(4, 0, "model", AXIS)
        if self._watched is not None:
            said = int(self._watched.prediction[frame])
            grid.put(4, KEY_WIDTH, names[said][:NAME_WIDTH], said)
            if said != true:
                grid.put(4, KEY_WIDTH + NAME_WIDTH + 1, " wrong ", ALERT)
        for number, act in enumerate(video.acts(frame)[:ACTS]):
            whom = f"{act.agent}>{act.target}" if act.agent != act.target else f"{act.agent}"
            grid.put(5 + number, KEY_WIDTH, f"{act.action} {whom}", PLAIN)

    def _write_probabilities(self, grid: Grid, ascii_only: bool) -> None:
        if self._watched is None:
            for row, line in enumerate(textwrap.wrap(self._waiting, grid.width), start=BARS_AT):
                grid.put(row, 0, line, AXIS)
            return
        values = self._watched.probabilities[self._moment.frame]
        room = max(grid.height - BARS_AT, 0)
        chosen = np.sort(np.argsort(-values, kind="stable")[:room])
        names = self._watched.video.classes
        glyphs = class_glyphs(names)
        left = 3 + NAME_WIDTH + 5
        for row, index in enumerate(chosen.tolist(), start=BARS_AT):
            grid.put(row, 0, f"{glyphs[index]} {names[index][:NAME_WIDTH]}", index)
            grid.put(row, 3 + NAME_WIDTH, f"{values[index]:.2f}", index)
            _bar(grid, row, left, float(values[index]), index, ascii_only)


def _bar(grid: Grid, row: int, left: int, value: float, role: int, ascii_only: bool) -> None:
    room = max(grid.width - left, 0)
    filled = round(value * room)
    grid.put(row, left, ("#" if ascii_only else "▇") * filled, role)
