"""The band between two curves: filled in terminal and SVG charts, never over a line."""

import numpy as np
import pytest

from mabe_tui.plotting.band import Band
from mabe_tui.plotting.chart import Chart, render_chart
from mabe_tui.plotting.panel import Panel
from mabe_tui.plotting.series import Series
from mabe_tui.plotting.svg import svg_chart

X = np.arange(1, 11)


def band(low: float = 2.0, high: float = 4.0) -> Band:
    return Band("", X, np.full(10, low), top=np.full(10, high))


def plot(chart: Chart) -> list[str]:
    rows = chart.rows[chart.plot_top : chart.plot_top + chart.plot_rows]
    left = chart.plot_left
    return [row.text[left : left + chart.plot_columns] for row in rows]


def test_the_area_is_filled_and_nothing_beside_it() -> None:
    chart = render_chart([band()], 60, 20, y_range=(0.0, 6.0), ascii_only=True)
    filled = [set(row) == {"."} for row in plot(chart)]
    height = chart.plot_rows - 1
    wanted = [2 <= 6 * (height - row) / height <= 4 for row in range(chart.plot_rows)]
    assert filled == pytest.approx(wanted)
    assert all(set(row) <= {"."} or set(row) == {" "} for row in plot(chart))


def test_few_points_are_filled_between_as_many_are() -> None:
    many = np.linspace(1, 10, 5000)
    dense = Band("", many, np.full(5000, 2.0), top=np.full(5000, 4.0))
    charts = [render_chart([one], 70, 16, y_range=(0.0, 6.0)).text for one in (band(), dense)]
    assert charts[0] == charts[1]


def test_a_peak_between_two_columns_is_not_lost() -> None:
    y = np.full(50_000, 2.0)
    y[31_234] = 0.0
    dense = Band("", np.arange(50_000), y, top=np.full(50_000, 4.0))
    chart = render_chart([dense], 60, 20, ascii_only=True)
    assert chart.y_range == (0.0, 4.0)
    assert plot(chart)[-1].count(".") == 1


def test_a_line_in_its_band_keeps_its_own_colour() -> None:
    line = Series("mean", X, np.full(10, 3.0))
    chart = render_chart([band(), line], 60, 20)
    middle = chart.rows[chart.plot_top + chart.plot_rows // 2]
    assert {s.role for s in middle.segments if s.start >= chart.plot_left} == {1}


def test_the_range_holds_the_whole_band_and_a_log_axis_what_is_above_zero() -> None:
    assert render_chart([band()], 40, 10).y_range == (2.0, 4.0)
    half = Band("", X, np.full(10, -1.0), top=np.full(10, 4.0))
    line = Series("mean", X, np.linspace(1, 2, 10))
    chart = render_chart([half, line], 40, 10, log_y=True)
    assert chart.y_range == (1.0, 4.0)
    assert "▼" not in chart.text
    assert all(row.strip() for row in plot(chart))


def test_a_gap_parts_it_in_two() -> None:
    gap = np.where(X == 5, np.nan, 2.0)
    one = Band("", X, gap, top=np.full(10, 4.0))
    row = plot(render_chart([one], 60, 20, ascii_only=True))[10]
    assert len(row.split()) == 2
    assert svg_chart(Panel((one,), (0,))).count("Z") == 2


def test_a_file_has_one_translucent_shape() -> None:
    line = Series("mean", X, np.full(10, 3.0))
    page = svg_chart(Panel((band(), line), (3, 3)))
    assert page.count('class="b3"') == 1
    assert 'fill-opacity="0.18"' in page
    many = np.linspace(1, 10, 50_000)
    dense = Band("", many, np.sin(many), top=np.sin(many) + 1)
    assert len(svg_chart(Panel((dense,), (0,)))) < 40_000


def test_ends_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="top"):
        Band("", X, np.zeros(10), top=np.zeros(9))
