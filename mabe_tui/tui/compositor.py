"""Paint only what has changed when several parts of a screen change at once.

Textual (8.2.8) repaints the rectangle around all changes: one changed line in a chart at the left and one
in the log at the right cause every widget between them to be drawn.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip

from mabe_tui.tui.made_otherwise import MADE_OTHERWISE

Spans = dict[int, list[tuple[int, int]]]
"""Row of the screen → the changed stretches, as columns ``start ≤ x < stop``."""


class LeanCompositor(Compositor):
    """Asks each widget only for the lines in which something has changed."""

    def __init__(self) -> None:
        super().__init__()
        self._changed: Spans | None = None
        """Changed stretches of the partial update in progress."""
        self.is_lean = True
        """Whether it paints less than Textual's own: until that fails once."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """Paint the changed parts."""
        dirty = set(self._dirty_regions)
        if self.is_lean:
            try:
                self._changed = self._spans(dirty)
                return super().render_partial_update()
            except MADE_OTHERWISE:
                self.is_lean = False
            finally:
                self._changed = None
            self._dirty_regions.update(dirty)
        return super().render_partial_update()

    def _spans(self, dirty: set[Region]) -> Spans:
        changed: Spans = {}
        for y, start, stop in self._regions_to_spans(dirty):
            changed.setdefault(y, []).append((start, stop))
        return changed

    def _get_renders(
        self, crop: Region | None = None
    ) -> Iterable[tuple[Region, Region, list[Strip]]]:
        if self._changed is None:
            return super()._get_renders(crop)
        return self._changed_lines(self._changed)

    def _changed_lines(self, changed: Spans) -> Iterator[tuple[Region, Region, list[Strip]]]:
        for widget, (region, clip) in self.visible_widgets.items():
            shown = region.intersection(clip)
            start, stop = shown.column_span
            rows = [
                y
                for y in shown.line_range
                if any(x1 < stop and start < x2 for x1, x2 in changed.get(y, ()))
            ]
            for first, last in _runs(rows):
                part = Region(start, first, shown.width, last - first)
                yield region, part, widget.render_lines(part.translate(-region.offset))


def _runs(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Merge consecutive rows into ranges ``first ≤ y < last``."""
    breaks = [n + 1 for n, (y, below) in enumerate(pairwise(rows)) if below != y + 1]
    for begin, end in pairwise([0, *breaks, len(rows)]):
        if begin < end:
            yield rows[begin], rows[end - 1] + 1
