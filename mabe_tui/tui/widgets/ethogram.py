"""Strips that compare truth and prediction: of the whole video, or of the seconds around one frame."""

from collections.abc import Sequence

from rich.style import Style
from textual import events
from textual.message import Message

from mabe_tui.plotting.ethogram import (
    BACKGROUND,
    LABEL_WIDTH,
    Ethogram,
    column_edges,
    column_of,
    render_probabilities,
)
from mabe_tui.plotting.grid import ALERT, CURSOR, Row, Segment
from mabe_tui.runs.videos.video_prediction import PredictedVideo
from mabe_tui.tui.class_styles import class_style
from mabe_tui.tui.widgets.picture import Picture

ROWS, CLASS_ROWS = 4, 2
"""Strips of truth, model, errors and frames; the first two show classes. A second model adds one."""
SPANS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Spans of a strip, in seconds."""


class Ethograms(Picture):
    """Strips of truth, model and errors with an axis of frames; a click jumps to a frame."""

    class Sought(Message):
        """A position in the video was clicked."""

        def __init__(self, frame: int) -> None:
            super().__init__()
            self.frame = frame

    class Wheeled(Message):
        """The mouse wheel was turned: 1 to show more, -1 to show less."""

        def __init__(self, steps: int) -> None:
            super().__init__()
            self.steps = steps

    def __init__(self, *, courses: bool = False, id: str | None = None) -> None:
        """Create an empty strip.

        Args:
            courses: also draw the probabilities over time if the height allows it.
            id: the widget's id.
        """
        super().__init__(id=id)
        self._ethogram: Ethogram | None = None
        self._watched: PredictedVideo | None = None
        self._courses = courses
        self._frame = 0
        self._span: int | None = None

    def show(self, ethogram: Ethogram | None, watched: PredictedVideo | None) -> None:
        """Show another video, or newly available data about it."""
        self._ethogram, self._watched = ethogram, watched
        self.redraw()

    def show_frame(self, frame: int, span: int | None) -> None:
        """Move the cursor.

        Args:
            frame: the new position.
            span: approximate number of frames to show; all by default.
        """
        if (frame, span) != (self._frame, self._span):
            self._frame, self._span = frame, span
            self.redraw()

    def bounds(self, width: int) -> tuple[int, int]:
        """Return the first frame shown and the one after the last.

        Columns hold a whole number of frames and begin at multiples of it, which keeps the picture
        from flickering as it moves.
        """
        frames = self._ethogram.frames if self._ethogram else 1
        columns = width - LABEL_WIDTH
        if self._span is None or columns < 1:
            return 0, frames
        each = max(1, round(self._span / columns))
        span = min(each * columns, frames)
        first = (self._frame - span // 2) // each * each
        first = min(max(0, first), frames - span)
        return first, first + span

    def picture(self, width: int, height: int, ascii_only: bool) -> Sequence[Row]:
        """Draw the strip, and the probabilities if they are enabled and fit."""
        if self._ethogram is None or width <= LABEL_WIDTH:
            return ()
        first, stop = self.bounds(width)
        rows = list(
            self._ethogram.render(
                width, first=first, stop=stop, cursor=self._frame, ascii_only=ascii_only
            )
        )
        column = column_of(column_edges(width - LABEL_WIDTH, first, stop), self._frame)
        if column is not None:
            shown = self._class_rows
            rows[:shown] = [_marked(row, LABEL_WIDTH + column) for row in rows[:shown]]
        names = self._ethogram.names
        if not self._courses or self._watched is None or height < len(rows) + len(names):
            return rows
        probabilities = self._watched.probabilities
        return *rows, *render_probabilities(
            probabilities,
            names,
            width,
            first=first,
            stop=stop,
            cursor=self._frame,
            ascii_only=ascii_only,
        )

    def role_style(self, role: int, y: int) -> Style:
        """Fill the classes of a strip with their colours and letters."""
        if role == ALERT:
            return Style(color=self.app.theme_variables.get("curve-alert"))
        if role == CURSOR and y < self._class_rows:
            return self._cursor_style
        if role < 0:
            return super().role_style(role, y)
        style = class_style(self.colours, role)
        filled = y < self._class_rows and role != BACKGROUND
        return style + Style(reverse=True) if filled else style

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Jump to the frame under the mouse."""
        self._seek(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Follow the mouse while its button is held."""
        if event.button:
            self._seek(event.x)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Zoom in."""
        event.stop()
        self.post_message(self.Wheeled(-1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Zoom out."""
        event.stop()
        self.post_message(self.Wheeled(1))

    @property
    def _class_rows(self) -> int:
        return CLASS_ROWS if self._ethogram is None else self._ethogram.class_rows

    def _seek(self, x: int) -> None:
        columns = self.size.width - LABEL_WIDTH
        column = x - LABEL_WIDTH
        if self._ethogram is not None and 0 <= column < columns:
            edges = column_edges(columns, *self.bounds(self.size.width))
            self.post_message(self.Sought(int(edges[column])))

    @property
    def _cursor_style(self) -> Style:
        variables = self.app.theme_variables
        return Style(color=variables.get("background"), bgcolor=variables.get("foreground"))


def _marked(row: Row, column: int) -> Row:
    """Mark one character of a row with the cursor's role."""
    parts = []
    for start, stop, role in row.segments:
        before, after = (
            Segment(start, min(stop, column), role),
            Segment(max(start, column + 1), stop, role),
        )
        parts += [part for part in (before, after) if part.start < part.stop]
    parts.append(Segment(column, column + 1, CURSOR))
    return Row(row.text, tuple(sorted(parts)))
