"""Draw the mice of one frame as skeletons: the whole arena, all mice close up, or one mouse followed."""

import textwrap
from collections.abc import Sequence

from rich.style import Style

from mabe_tui.plotting.grid import Grid, Row
from mabe_tui.plotting.skeleton import (
    CELL_ASPECT,
    FOLLOW_MARGIN,
    ArenaView,
    Points,
    Skeleton,
    centres,
    follow_view,
    render_skeletons,
)
from mabe_tui.runs.videos.video import TrackedVideo
from mabe_tui.tui.class_styles import mouse_style
from mabe_tui.tui.widgets.picture import Picture

ARENA, MICE, FIRST_MOUSE = 0, 1, 2
"""Views by number: 0 the whole arena, 1 all mice close up, from 2 on one mouse each."""
TRAILS = (0.0, 1.0, 5.0)
"""Trail lengths, in seconds."""
ALONE_MARGIN = 0.6
"""Margin around a followed mouse, relative to its extent: enough to see which mice come near."""
JUMP_SECONDS = 1.0
"""Seconds without drawing after which a following view starts afresh."""


class Arena(Picture):
    """A view of poses; its screen sets the frame."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.frame = 0
        self.view = ARENA
        self.trail_seconds = TRAILS[1]
        self._video: TrackedVideo | None = None
        self._skeleton = Skeleton.of(())
        self._arena: ArenaView | None = None
        self._followed: ArenaView | None = None
        self._words = ""

    def show_video(self, video: TrackedVideo, arena: ArenaView) -> None:
        """Show another video.

        Args:
            video: its poses.
            arena: the extent of the whole arena.
        """
        self._video, self._arena = video, arena
        self._skeleton, self._followed = Skeleton.of(video.slots, video.skeleton), None
        self.redraw()

    def say(self, words: str) -> None:
        """Show a message instead of mice."""
        self._video, self._words, self.frame = None, words, 0
        self.redraw()

    def show_frame(self, frame: int) -> None:
        """Show another frame."""
        if self._video is None or frame == self.frame:
            return
        if abs(frame - self.frame) > JUMP_SECONDS * self._video.frames_per_second:
            self._followed = None
        self.frame = frame
        self.redraw()

    def look(self, view: int, trail_seconds: float) -> None:
        """Change the view or the length of the trail."""
        self.view, self.trail_seconds, self._followed = view, trail_seconds, None
        self.redraw()

    def on_resize(self) -> None:
        """Restart following: the shape of the picture has changed."""
        self._followed = None
        super().on_resize()

    def picture(self, width: int, height: int, ascii_only: bool) -> Sequence[Row]:
        """Draw the mice or the message."""
        video = self._video
        if video is None or self._arena is None:
            return _in_the_middle(self._words, width, height)
        return render_skeletons(
            video.positions[self.frame, : video.mice],
            self._skeleton,
            width,
            height,
            self._shown(video, self._arena, width / (CELL_ASPECT * height)),
            labels=[str(mouse) for mouse in video.about.mouse_ids[: video.mice]],
            trail=self._trail(video),
            arena=self._arena,
            ascii_only=ascii_only,
        )

    def role_style(self, role: int, y: int) -> Style:
        """Return the style of each mouse."""
        if role < 0 or self._video is None:
            return super().role_style(role, y)
        return mouse_style(self.colours, role, len(self._video.classes))

    def _shown(self, video: TrackedVideo, arena: ArenaView, aspect: float) -> ArenaView:
        if self.view == ARENA or self.view >= view_count(video):
            return arena
        mouse = self.view - FIRST_MOUSE
        alone = mouse >= 0
        shown = slice(mouse, mouse + 1) if alone else slice(video.mice)
        self._followed = follow_view(
            video.positions[self.frame, shown],
            self._followed,
            aspect=aspect,
            margin=ALONE_MARGIN if alone else FOLLOW_MARGIN,
        )
        return self._followed

    def _trail(self, video: TrackedVideo) -> Points | None:
        if not self.trail_seconds:
            return None
        before = max(0, self.frame - round(self.trail_seconds * video.frames_per_second))
        return centres(video.positions[before : self.frame + 1, : video.mice])


def view_count(video: TrackedVideo) -> int:
    """Return the number of views of a video: arena, mice, and each mouse."""
    return FIRST_MOUSE + video.mice


def view_name(view: int, video: TrackedVideo) -> str:
    """Return the name of a view; views of mice that this video lacks are the arena."""
    if view == MICE:
        return "mice"
    if view == ARENA or view >= view_count(video):
        return "arena"
    return f"mouse {video.about.mouse_ids[view - FIRST_MOUSE]}"


def _in_the_middle(words: str, width: int, height: int) -> Sequence[Row]:
    grid = Grid(height, width)
    lines = textwrap.wrap(words, max(width - 2, 10))
    for row, line in enumerate(lines, start=max(0, (height - len(lines)) // 2)):
        grid.put(row, max(0, (width - len(line)) // 2), line)
    return grid.rows()
