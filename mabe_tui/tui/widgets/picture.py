"""Rows of characters with roles, in the theme's colours: what skeletons and ethograms are drawn with."""

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from mabe_tui.plotting.grid import Row
from mabe_tui.tui.themes import CurveStyles


class Picture(Widget):
    """Draws the rows of :meth:`picture`, and keeps them until :meth:`redraw`."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rows: Sequence[Row] | None = None
        self._styles: CurveStyles | None = None

    def picture(self, width: int, height: int, ascii_only: bool) -> Sequence[Row]:
        """Give at most ``height`` rows of ``width`` characters."""
        raise NotImplementedError

    def role_style(self, role: int, y: int) -> Style:
        """Give the style of a role in a row; of series, the theme's colours in turn."""
        del y
        return self.colours.of(role)

    @property
    def colours(self) -> CurveStyles:
        """The theme's."""
        if self._styles is None:
            self._styles = CurveStyles(self.app.theme_variables)
        return self._styles

    def redraw(self) -> None:
        """Draw anew what has changed."""
        self._rows = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Colour one row."""
        width, height = self.size
        if self._rows is None:
            empty = width < 1 or height < 1
            self._rows = () if empty else self.picture(width, height, self.app.has_class("ascii"))
        if y >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        text, parts = self._rows[y]
        pieces = [
            Segment(text[p.start : p.stop], self.rich_style + self.role_style(p.role, y))
            for p in parts
        ]
        return Strip(pieces).adjust_cell_length(width, self.rich_style)

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.redraw()

    def on_mount(self) -> None:
        """Follow the theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._follow_theme())

    def _follow_theme(self) -> None:
        self._styles = None
        self.redraw()
