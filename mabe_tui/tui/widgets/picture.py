"""A base class for pictures made of characters with roles, coloured by the theme."""

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from mabe_tui.plotting.grid import Row
from mabe_tui.tui.themes import CurveStyles


class Picture(Widget):
    """Draws the rows of :meth:`picture`, and caches them until :meth:`redraw`."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: Sequence[Row] | None = None
        self._colours: CurveStyles | None = None
        self._known: dict[tuple[int, int], Style] = {}
        """Styles by role and row; resolving a widget's style costs more than drawing."""

    def picture(self, width: int, height: int, ascii_only: bool) -> Sequence[Row]:
        """Return at most ``height`` rows of ``width`` characters."""
        raise NotImplementedError

    def role_style(self, role: int, y: int) -> Style:
        """Return the style of a role in a row; series cycle through the theme's colours."""
        del y
        return self.colours.of(role)

    @property
    def colours(self) -> CurveStyles:
        """The theme's styles."""
        if self._colours is None:
            self._colours = CurveStyles(self.app.theme_variables)
        return self._colours

    @property
    def text(self) -> str:
        """The current rows, without colours."""
        return "\n".join(row.text for row in self._drawn())

    def redraw(self) -> None:
        """Redraw what has changed: of a moving picture, usually a few rows."""
        before, self._rows = self._rows, None
        if not before or not self.is_mounted:
            self.refresh()
            return
        after = self._drawn()
        if len(before) != len(after):
            self.refresh()
        for first, stop in _changed(before, after):
            self.refresh(Region(0, first, self.size.width, stop - first))

    def render_line(self, y: int) -> Strip:
        """Apply the styles to one row."""
        width = self.size.width
        rows = self._drawn()
        if y >= len(rows):
            return Strip.blank(width, self.rich_style)
        text, parts = rows[y]
        pieces = [Segment(text[p.start : p.stop], self._style(p.role, y)) for p in parts]
        return Strip(pieces, len(text))

    def on_resize(self) -> None:
        """Redraw for the new size."""
        self._rows = None
        self.refresh()

    def notify_style_update(self) -> None:
        """Redraw when the theme changes."""
        self._colours = None
        self._known.clear()
        super().notify_style_update()

    def _drawn(self) -> Sequence[Row]:
        if self._rows is None:
            width, height = self.size
            empty = width < 1 or height < 1
            self._rows = () if empty else self.picture(width, height, self.app.has_class("ascii"))
        return self._rows

    def _style(self, role: int, y: int) -> Style:
        if (role, y) not in self._known:
            self._known[role, y] = self.rich_style + self.role_style(role, y)
        return self._known[role, y]


def _changed(before: Sequence[Row], after: Sequence[Row]) -> list[tuple[int, int]]:
    """Yield ``first, stop`` for each stretch of rows that differ."""
    stretches: list[tuple[int, int]] = []
    for y, (old, new) in enumerate(zip(before, after, strict=False)):
        if old == new:
            continue
        if stretches and stretches[-1][1] == y:
            stretches[-1] = (stretches[-1][0], y + 1)
        else:
            stretches.append((y, y + 1))
    return stretches
