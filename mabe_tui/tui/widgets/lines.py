"""A base class for widgets that consist only of the lines they draw."""

from collections.abc import Sequence

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class LineWidget(Widget):
    """A widget without border or padding that draws every line at full width, including the background.

    Textual's usual work per line (borders, padding, hatching, opacity) takes five times as long as drawing a
    line of a log.
    """

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the lines in a region."""
        strips: Sequence[Strip] = [self.render_line(y) for y in crop.line_range]
        background = self.background_colors[1]
        for each in self.get_line_filters():
            strips = [strip.apply_filter(each, background) for strip in strips]
        start, stop = crop.column_span
        if (start, stop) == (0, self.size.width):
            return [*strips]
        return [strip.crop(start, stop) for strip in strips]
