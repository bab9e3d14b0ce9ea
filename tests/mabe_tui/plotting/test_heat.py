"""Heatmaps: shades follow the values, on one scale or each row on its own."""

import numpy as np

from mabe_tui.plotting.grid import ALERT, HEAT
from mabe_tui.plotting.heat import SHADES, render_heat
from mabe_tui.plotting.series import Series

X = np.arange(8.0)
LOW = Series("low", X, np.linspace(0.0, 0.4, 8))
HIGH = Series("high", X, np.linspace(0.6, 1.0, 8))


def drawn(*series: Series, **options: object) -> list[str]:
    chart = render_heat(series, 40, 10, **({"is_shared": True} | options))  # type: ignore[arg-type]
    return [row.text[chart.plot_left :] for row in chart.rows[chart.plot_top :][: chart.plot_rows]]


def test_shades_of_one_scale_rise_with_the_values() -> None:
    low, high = drawn(LOW, HIGH, title="f1")[0], drawn(LOW, HIGH, title="f1")[3]
    order = SHADES[0]
    assert [order.index(shade) for shade in low] == sorted(order.index(shade) for shade in low)
    assert order.index(high[0]) > order.index(low[-1])
    assert high[-1] == order[-1]


def test_rows_of_their_own_scale_use_all_shades() -> None:
    rows = drawn(LOW, HIGH, is_shared=False)
    assert rows[0] == rows[3]
    assert {*rows[0]} == {*SHADES[0]}


def test_bad_values_are_marked_and_nothing_is_drawn_where_nothing_was_measured() -> None:
    y = np.array([0.1, 0.2, np.nan, 0.4, 0.5, 0.6, 0.7, 0.8])
    chart = render_heat([Series("f1", X, y)], 40, 10, is_shared=True, x_range=(0.0, 14.0))
    row = chart.rows[chart.plot_top]
    assert "×" in row.text
    assert any(part.role == ALERT for part in row.segments)
    assert row.text.endswith(" " * 15)
    assert {part.role for part in row.segments} & {*HEAT}


def test_the_value_at_the_cursor_or_the_last_stands_beside_the_name() -> None:
    last = render_heat([LOW], 60, 10, is_shared=True)
    there = render_heat(
        [LOW], 60, 10, is_shared=True, cursor=0.0, x_label="epoch", x_kind="integer"
    )
    assert "low    0.4│" in last.text
    assert "low      0│" in there.text
    assert "epoch 0.0" in there.text
    assert (last.plot_left, last.plot_columns) == (there.plot_left, there.plot_columns)


def test_any_size_and_nothing_at_all_can_be_drawn() -> None:
    for width, height in ((1, 1), (16, 6), (40, 8), (80, 24)):
        for series in ((), (LOW, HIGH), (Series("", [], []),)):
            chart = render_heat(series, width, height, is_shared=True, ascii_only=True, title="t")
            assert [len(row.text) for row in chart.rows] == [width] * height
            assert chart.text.isascii()
