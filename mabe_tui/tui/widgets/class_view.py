"""A scrollable view of class confusions of several sides, as bars and matrices or as lists."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mabe_tui.plotting.grid import Row
from mabe_tui.plotting.matrix import CellContent
from mabe_tui.runs.comparison.class_list import class_list
from mabe_tui.runs.comparison.class_picture import class_picture
from mabe_tui.runs.comparison.inspection import SideClasses
from mabe_tui.tui.keys import bindings
from mabe_tui.tui.themes import CurveStyles


class ClassView(ScrollView, can_focus=True):
    """Draws for its width; wider or longer content scrolls."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("classes")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sides: Sequence[SideClasses] = ()
        self._lines: Sequence[int] = ()
        self._cells: CellContent = "both"
        self._listed = False
        self._rows: Sequence[Row] = ()
        self._styles: CurveStyles | None = None

    @property
    def text(self) -> str:
        """The whole picture, without colours."""
        return "\n".join(row.text for row in self._rows)

    def show(
        self,
        sides: Sequence[SideClasses],
        lines: Sequence[int],
        cells: CellContent,
        listed: bool = False,
    ) -> None:
        """Show other sides.

        Args:
            sides: see :func:`class_picture`, as for the two below.
            lines: the number of each side's line.
            cells: which numbers the matrices show.
            listed: show the worst confusions as a list instead of matrices.
        """
        self._sides, self._lines, self._cells, self._listed = sides, lines, cells, listed
        self._redraw()

    def on_mount(self) -> None:
        """Redraw when the theme changes."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._redraw())

    def on_resize(self) -> None:
        """Redraw for the new width."""
        self._redraw()

    def render_line(self, y: int) -> Strip:
        """Apply the styles to one row."""
        left, top = self.scroll_offset
        width = self.scrollable_content_region.width
        if self._styles is None or y + top >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        text, parts = self._rows[y + top]
        styles = [self.rich_style + self._styles.of(part.role) for part in parts]
        pieces = zip(parts, styles, strict=True)
        strip = Strip([Segment(text[part.start : part.stop], style) for part, style in pieces])
        return strip.crop_extend(left, left + width, self.rich_style)

    def _redraw(self) -> None:
        self._styles = CurveStyles(self.app.theme_variables)
        draw = class_list if self._listed else class_picture
        self._rows = draw(
            self._sides,
            max(self.scrollable_content_region.width, 1),
            lines=self._lines,
            cells=self._cells,
            ascii_only=self.app.has_class("ascii"),
        )
        widest = max((len(row.text.rstrip()) for row in self._rows), default=0)
        self.virtual_size = Size(widest, len(self._rows))
        self.refresh()
