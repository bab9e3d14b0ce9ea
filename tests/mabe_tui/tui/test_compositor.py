"""A partial update paints the same as a full one, and asks only for changed lines."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from mabe_tui.tui.compositor import LeanCompositor
from mabe_tui.tui.screens.base import MabeScreen

WIDTH, HEIGHT = 12, 6


class Letters(Widget):
    """Each line full of one letter; tells which lines were asked for."""

    DEFAULT_CSS = "Letters { width: 1fr; height: 1fr; }"

    def __init__(self, letter: str) -> None:
        super().__init__(id=letter)
        self.letter, self.asked = letter, set[int]()

    def render_line(self, y: int) -> Strip:
        """Draw a line, and take a note of it."""
        self.asked.add(y)
        return Strip([Segment(self.letter * self.size.width)], self.size.width)


class Three(App[None]):
    """Three widgets beside one another, the last with something over it."""

    CSS = """
    Screen { layers: below above; }
    #c { border: ascii red; }
    #d { layer: above; width: 5; height: 3; offset: 6 2; }
    """

    def compose(self) -> ComposeResult:
        """Lay them out."""
        with Horizontal():
            yield from (Letters(letter) for letter in "abc")
        yield Letters("d")

    def on_mount(self) -> None:
        """Paint like the dashboard's screens do."""
        self.screen._compositor = LeanCompositor()
        self.screen._refresh_layout()


def painted(compositor: LeanCompositor) -> dict[tuple[int, int], Segment]:
    """What a partial update puts where; one segment a cell."""
    update = compositor.render_partial_update()
    cells: dict[tuple[int, int], Segment] = {}
    if update is None:
        return cells
    for y, start, stop in update.spans:
        for x, strip in update.chops[y].items():
            for at, cell in enumerate(_cells(strip), x):
                if start <= at < stop:
                    cells[at, y] = cell
    return cells


def _cells(strip: Strip | None) -> list[Segment]:
    if strip is None:
        return []
    return [Segment(letter, part.style) for part in strip for letter in part.text]


regions = st.lists(
    st.builds(
        Region,
        st.integers(0, WIDTH),
        st.integers(0, HEIGHT),
        st.integers(1, WIDTH),
        st.integers(1, HEIGHT),
    ),
    min_size=1,
    max_size=4,
)


async def test_a_partial_update_is_a_part_of_the_full_one() -> None:
    app = Three()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        compositor: Any = app.screen._compositor
        whole = [_cells(strip) for strip in compositor.render_strips()]
        assert "d" in "".join(cell.text for cell in whole[3])

        @settings(max_examples=80, deadline=None)
        @given(regions)
        def check(changed: list[Region]) -> None:
            inside = [r.intersection(Region(0, 0, WIDTH, HEIGHT)) for r in changed]
            compositor._dirty_regions.update(region for region in inside if region)
            wanted = {(x, y) for r in inside for y in r.line_range for x in r.column_range}
            cells = painted(compositor)
            assert cells == {(x, y): whole[y][x] for x, y in wanted}

        check()


async def test_widgets_between_two_changes_are_left_alone() -> None:
    app = Three()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        a, b, c = (app.query_one(f"#{letter}", Letters) for letter in "abc")
        for widget in (a, b, c):
            widget._styles_cache.clear()
            widget.asked.clear()
        compositor: Any = app.screen._compositor
        compositor._dirty_regions.update({Region(0, 1, 2, 1), Region(9, 4, 2, 1)})
        compositor.render_partial_update()
        assert a.asked == {1}
        assert b.asked == set()
        assert c.asked == {3}


def test_the_dashboards_screens_paint_so() -> None:
    assert isinstance(MabeScreen()._compositor, LeanCompositor)
