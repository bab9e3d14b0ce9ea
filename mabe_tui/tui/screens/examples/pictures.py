"""The images of one example, two pixels a character."""

from collections.abc import Sequence

from rich.color import Color
from rich.style import Style

from mabe_tui.plotting.grid import Row
from mabe_tui.plotting.half_blocks import SHADES, Image, render_images, shades_of
from mabe_tui.tui.widgets.picture import Picture


class ExampleImages(Picture):
    """Images side by side, as large as they fit."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._images: tuple[Image, ...] = ()

    def show(self, images: tuple[Image, ...]) -> None:
        """Show other images."""
        self._images = images
        self.redraw()

    def picture(self, width: int, height: int, ascii_only: bool) -> Sequence[Row]:
        """Return at most ``height`` rows of at most ``width`` characters."""
        rows = render_images(self._images, width, height, ascii_only=ascii_only)
        return [_cut(row, width) for row in rows[:height]]

    def role_style(self, role: int, y: int) -> Style:
        """Return the shades of the two pixels of a character."""
        if role < 0:
            return super().role_style(role, y)
        upper, lower = (round(shade * 255 / (SHADES - 1)) for shade in shades_of(role))
        return Style(
            color=Color.from_rgb(upper, upper, upper), bgcolor=Color.from_rgb(lower, lower, lower)
        )


def _cut(row: Row, width: int) -> Row:
    if len(row.text) <= width:
        return row
    segments = tuple(s._replace(stop=min(s.stop, width)) for s in row.segments if s.start < width)
    return Row(row.text[:width], segments)
