"""The table and the chart by themselves."""

from collections.abc import Iterator

import numpy as np
import pytest
from textual.app import App, ComposeResult
from textual.events import Resize

from mabe_tui.plotting.series import Series
from mabe_tui.tui.widgets.chart import Axes, ChartView
from mabe_tui.tui.widgets.columns import Column, TableRow
from mabe_tui.tui.widgets.table import RowTable
from tests.mabe_tui.tui.run_screen import until

COLUMNS = (
    Column("name", "name"),
    Column("note", "note", rank=1),
    Column("score", "score", align="right"),
)


class TableApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []

    def compose(self) -> ComposeResult:
        yield RowTable(COLUMNS, empty="nothing here")

    def on_row_table_moved(self, message: RowTable.Moved) -> None:
        self.told.append(message)

    def on_row_table_chosen(self, message: RowTable.Chosen) -> None:
        self.told.append(message)

    def on_row_table_header_clicked(self, message: RowTable.HeaderClicked) -> None:
        self.told.append(message.column)


def rows(count: int) -> list[TableRow]:
    return [TableRow(f"k{n}", (f"run {n}", "a long note " * 3, f"{n / 10}")) for n in range(count)]


def line(app: App[None], y: int) -> str:
    return app.query_one(RowTable).render_line(y).text


async def test_a_table_draws_rows_under_a_header() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 10)) as pilot:
        table = app.query_one(RowTable)
        assert "nothing here" in line(app, 1)
        table.show(rows(3))
        await pilot.pause()
        assert line(app, 0).split() == ["name", "note", "score"]
        assert line(app, 3).startswith("run 2")
        assert line(app, 3).rstrip().endswith("0.2")


async def test_columns_stay_as_wide_as_they_were_while_rows_stay() -> None:
    app = TableApp()
    async with app.run_test(size=(60, 10)) as pilot:
        table = app.query_one(RowTable)
        table.show(rows(3))
        await pilot.pause()
        before = line(app, 0)
        table.show([TableRow("k0", ("run 0", "", "0"))])
        await pilot.pause()
        assert line(app, 0) == before
        table.show([TableRow("other", ("run 9", "", "0"))])
        await pilot.pause()
        assert line(app, 0) != before


async def test_the_selected_row_has_one_style() -> None:
    app = TableApp()
    async with app.run_test(size=(60, 10)) as pilot:
        table = app.query_one(RowTable)
        table.show([TableRow("k", ("run", "note", "0"), ("success", "text-muted", "error"))])
        await pilot.pause()
        assert len({segment.style for segment in table.render_line(1)}) == 1


async def test_a_narrow_table_leaves_out_the_least_important_column() -> None:
    app = TableApp()
    async with app.run_test(size=(30, 10)) as pilot:
        app.query_one(RowTable).show(rows(3))
        await pilot.pause()
        assert line(app, 0).split() == ["name", "score"]


async def test_what_does_not_fit_is_passed_over_and_the_last_column_shrinks() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 10)) as pilot:
        table = app.query_one(RowTable)
        table.columns = (
            Column("name", "name"),
            Column("note", "note", rank=1),
            Column("score", "score", align="right", rank=2, shrinks=True),
        )
        table.show([TableRow("k", ("run", "n" * 35, "s" * 60))])
        await pilot.pause()
        assert line(app, 1).rstrip() == "run   " + "s" * 33 + "…"


async def test_a_curve_is_drawn_in_a_cell() -> None:
    app = TableApp()
    async with app.run_test(size=(40, 10)) as pilot:
        table = app.query_one(RowTable)
        table.columns = (Column("curve", "curve", widest=8, is_curve=True),)
        table.show([TableRow("k", ("",), curve=(0.0, 1.0)), TableRow("none", ("–",))])
        await pilot.pause()
        assert any("\u2801" <= character <= "\u28ff" for character in line(app, 1))
        assert line(app, 2).strip() == "–"


async def test_the_selected_row_keeps_its_key_when_rows_change() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 10)) as pilot:
        table = app.query_one(RowTable)
        table.show(rows(30))
        table.focus()
        await pilot.press("down", "down", "j")
        assert table.selected == "k3"
        table.show(rows(30)[::-1])
        assert table.selected == "k3"
        table.show(rows(2))
        assert table.selected == "k1"


async def test_the_cursor_stays_in_view() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 10)) as pilot:
        table = app.query_one(RowTable)
        table.show(rows(100))
        table.focus()
        await pilot.press("end")
        await pilot.pause()
        shown = [line(app, y) for y in range(1, table.size.height)]
        assert any(text.startswith("run 99") for text in shown)
        await pilot.press("home")
        await pilot.pause()
        assert line(app, 1).startswith("run 0 ")


async def test_the_mouse_selects_opens_and_sorts() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 10)) as pilot:
        table = app.query_one(RowTable)
        table.show(rows(5))
        await pilot.click(RowTable, offset=(2, 3))
        assert table.selected == "k2"
        await pilot.click(RowTable, offset=(2, 3), times=2)
        assert any(type(message) is RowTable.Chosen for message in app.told)
        await pilot.click(RowTable, offset=(2, 0))
        assert app.told[-1] == "name"


class ChartApp(App[None]):
    def compose(self) -> ComposeResult:
        yield ChartView(Axes(title="loss"))


@pytest.fixture
def series() -> Iterator[Series]:
    x = np.arange(1, 101)
    return Series("train", x, 1 / x)


async def test_a_chart_shows_its_value_at_the_cursor(series: Series) -> None:
    app = ChartApp()
    async with app.run_test(size=(60, 15)) as pilot:
        chart = app.query_one(ChartView)
        chart.show([series])
        chart.focus()
        await pilot.press("left")
        assert chart.cursor == 100
        assert "0.01" in "".join(chart.render_line(y).text for y in range(15))
        await pilot.press("left")
        assert chart.cursor < 100


class LateChart(ChartView):
    """Hears of a new size later than it is painted."""

    def on_resize(self, event: Resize | None = None) -> None:
        if event is not None:
            event.prevent_default()


class LateChartApp(App[None]):
    def compose(self) -> ComposeResult:
        yield LateChart()


async def test_rows_are_as_wide_as_the_widget_before_it_hears_of_its_size(series: Series) -> None:
    app = LateChartApp()
    async with app.run_test(size=(60, 15)) as pilot:
        chart = app.query_one(LateChart)
        chart.show([series])
        assert {len(chart.render_line(y).text) for y in range(15)} == {60}
        await pilot.resize_terminal(41, 12)
        await until(pilot, lambda: chart.size.width == 41)
        assert {len(chart.render_line(y).text) for y in range(12)} == {41}


async def test_zoom_pan_and_reset(series: Series) -> None:
    app = ChartApp()
    async with app.run_test(size=(60, 15)) as pilot:
        chart = app.query_one(ChartView)
        chart.show([series])
        chart.focus()
        await pilot.press("plus")
        low, high = chart.drawn.x_range
        assert high - low == pytest.approx(49.5)
        await pilot.press("greater_than_sign")
        assert chart.drawn.x_range[0] > low
        for _ in range(20):
            await pilot.press("greater_than_sign")
        assert chart.drawn.x_range[1] == pytest.approx(100)
        await pilot.press("0")
        assert chart.drawn.x_range == (1, 100)


async def test_the_mouse_puts_the_cursor_and_the_wheel_zooms(series: Series) -> None:
    app = ChartApp()
    async with app.run_test(size=(60, 15)) as pilot:
        chart = app.query_one(ChartView)
        chart.show([series])
        await pilot.click(ChartView, offset=(30, 7))
        assert chart.cursor == pytest.approx(50, abs=10)
