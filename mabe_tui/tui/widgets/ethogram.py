"""Strips of truth against prediction: of the whole video, or of the seconds around one frame."""

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
"""Truth, model, errors and frames; the first two show classes."""
SPANS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds that a strip may show."""


class Ethograms(Picture):
    """Truth, model, errors and an axis of frames; a click goes to a frame."""

    class Sought(Message):
        """A place in the video was clicked."""

        def __init__(self, frame: int) -> None:
            super().__init__()
            self.frame = frame

    class Wheeled(Message):
        """The wheel was turned: 1 to see more, -1 to see less."""

        def __init__(self, steps: int) -> None:
            super().__init__()
            self.steps = steps

    def __init__(self, *, courses: bool = False, id: str | None = None) -> None:
        """Make a strip that is still empty.

        Args:
            courses: draw below it how the probabilities go, where the height allows it.
            id: the widget's.
        """
        super().__init__(id=id)
        self._ethogram: Ethogram | None = None
        self._watched: PredictedVideo | None = None
        self._courses = courses
        self._frame = 0
        self._span: int | None = None

    def show(self, ethogram: Ethogram | None, watched: PredictedVideo | None) -> None:
        """Show another video, or what has become known of it."""
        self._ethogram, self._watched = ethogram, watched
        self.redraw()

    def show_frame(self, frame: int, span: int | None) -> None:
        """Put the cursor elsewhere.

        Args:
            frame: where.
            span: how many frames to show, about; none: all.
        """
        if (frame, span) != (self._frame, self._span):
            self._frame, self._span = frame, span
            self.redraw()

    def bounds(self, width: int) -> tuple[int, int]:
        """Return the first frame shown and the one after the last.

        A whole number of frames to a column, and columns that begin at multiples of it, keep the
        picture from flickering while it moves.
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
        """Draw the strip, and the courses of the probabilities where they are wanted and fit."""
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
            rows[:CLASS_ROWS] = [_marked(row, LABEL_WIDTH + column) for row in rows[:CLASS_ROWS]]
        names = self._ethogram.names
        if not self._courses or self._watched is None or height < ROWS + len(names):
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
        """Fill the classes of a strip with their colour; their letters stand in it."""
        if role == ALERT:
            return Style(color=self.app.theme_variables.get("curve-alert"))
        if role == CURSOR and y < CLASS_ROWS:
            return self._cursor_style
        if role < 0:
            return super().role_style(role, y)
        style = class_style(self.colours, role)
        filled = y < CLASS_ROWS and role != BACKGROUND
        return style + Style(reverse=True) if filled else style

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Go where the mouse is."""
        self._seek(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Go along with the mouse while its button is held."""
        if event.button:
            self._seek(event.x)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """See less, closer."""
        event.stop()
        self.post_message(self.Wheeled(-1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """See more."""
        event.stop()
        self.post_message(self.Wheeled(1))

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
    """Return one character of a row the role of the cursor."""
    parts = []
    for start, stop, role in row.segments:
        before, after = (
            Segment(start, min(stop, column), role),
            Segment(max(start, column + 1), stop, role),
        )
        parts += [part for part in (before, after) if part.start < part.stop]
    parts.append(Segment(column, column + 1, CURSOR))
    return Row(row.text, tuple(sorted(parts)))
