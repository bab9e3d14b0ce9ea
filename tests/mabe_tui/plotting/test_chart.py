"""Charts against golden files: the text as displayed, and below it the role of each character.

After an intended change of looks, rewrite the files and read the difference before committing it:

    MABE_UPDATE_GOLDEN=1 python -m pytest tests/mabe_tui/plotting/test_chart.py
    git diff tests/mabe_tui/plotting/golden
"""

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mabe_tui.plotting.chart import Chart, render_chart, visible_y
from mabe_tui.plotting.cursor import Beside
from mabe_tui.plotting.grid import ALERT, AXIS, CURSOR, LATTICE, PLAIN
from mabe_tui.plotting.series import Series
from mabe_tui.plotting.ticks import TickKind

GOLDEN = Path(__file__).parent / "golden"
ROLE_LETTERS = {PLAIN: " ", AXIS: "a", CURSOR: "c", ALERT: "!", LATTICE: "-"}
EPOCHS = np.arange(1, 101)


def curves() -> list[Series]:
    """Three learning curves without randomness; the third has a gap and an infinity."""
    rises = [0.44 * (1 - np.exp(-EPOCHS / tau)) + 0.01 * np.sin(EPOCHS * tau) for tau in (6, 9, 20)]
    rises[2][40:43], rises[2][70] = np.nan, np.inf
    styles = ("solid", "dashed", "dotted")
    names = ("v5", "v6", "v4")
    return [Series(*parts) for parts in zip(names, [EPOCHS] * 3, rises, styles, strict=True)]


def dense() -> list[Series]:
    """A hundred thousand points, their raw band faint under a smooth line."""
    x = np.arange(100_000.0)
    trend = 1 / (1 + x / 20_000)
    return [
        Series("loss", x, trend + 0.1 * np.sin(x), "faint"),
        Series("loss smoothed", x, trend),
    ]


CHARTS: dict[str, Callable[[], Chart]] = {
    "curves": lambda: render_chart(
        curves(), 72, 18, title="f1_macro", x_label="epoch", x_kind="integer"
    ),
    "curves_ascii": lambda: render_chart(
        curves(), 72, 18, title="f1_macro", x_label="epoch", x_kind="integer", ascii_only=True
    ),
    "log_with_cursor": lambda: render_chart(curves(), 72, 18, log_y=True, cursor=30.0),
    "dense": lambda: render_chart(dense(), 60, 14, x_label="step"),
    "zoomed": lambda: render_chart(
        curves(), 60, 12, x_range=(10, 30), y_range=(0.3, 0.45), x_kind="integer"
    ),
    "dollars_and_hours": lambda: render_chart(
        [Series("v6", EPOCHS * 50, EPOCHS * 0.084)], 60, 10, x_kind="duration", y_kind="dollars"
    ),
    "many_names": lambda: render_chart(
        [Series(f"experiment-{n}", [0, 1], [0, n]) for n in range(9)], 50, 10, x_label="epoch"
    ),
    "unsorted": lambda: render_chart(
        [Series("circle", np.cos(np.arange(65) / 10), np.sin(np.arange(65) / 10))], 40, 14
    ),
    "small": lambda: render_chart(curves(), 20, 8, title="f1"),
    "tiny": lambda: render_chart(curves(), 10, 2),
    "empty": lambda: render_chart([], 40, 8, title="nothing yet"),
    "one_point": lambda: render_chart([Series("v6", [3], [0.4])], 40, 8, x_kind="integer"),
    "constant": lambda: render_chart([Series("v6", [1, 2, 3], [5, 5, 5])], 40, 8),
    "all_nan": lambda: render_chart([Series("v6", [1, 2, 3], [np.nan] * 3)], 40, 8),
}


def described(chart: Chart) -> str:
    """The text, then the roles: a digit a series, ``a`` axis, ``c`` cursor, ``!`` alert."""
    roles = [
        "".join(
            ROLE_LETTERS.get(role, str(role)) * (stop - start) for start, stop, role in segments
        )
        for _, segments in chart.rows
    ]
    return "\n".join([chart.text, "-" * 20, *(row.rstrip() for row in roles)]) + "\n"


@pytest.mark.parametrize("name", CHARTS)
def test_charts_look_as_before(name: str) -> None:
    drawn, path = described(CHARTS[name]()), GOLDEN / f"{name}.txt"
    if os.environ.get("MABE_UPDATE_GOLDEN"):
        path.write_text(drawn, encoding="utf-8")
    assert drawn == path.read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CHARTS)


def assert_well_formed(chart: Chart, width: int, height: int) -> None:
    assert len(chart.rows) == height
    for text, segments in chart.rows:
        assert len(text) == width
        assert text.isprintable()
        assert [segments[0].start, segments[-1].stop] == [0, width]
        assert all(a.stop == b.start for a, b in itertools.pairwise(segments))


value = st.floats(width=64) | st.floats(-10, 10)


@given(
    st.lists(st.lists(st.tuples(value, value), max_size=12), max_size=4),
    st.integers(1, 50),
    st.integers(1, 20),
    st.booleans(),
    st.booleans(),
    st.none() | st.floats(-10, 10),
)
def test_anything_can_be_drawn_at_any_size(
    points: list[list[tuple[float, float]]],
    width: int,
    height: int,
    log_y: bool,
    ascii_only: bool,
    cursor: float | None,
) -> None:
    series = [
        Series(f"series\n{n}", [x for x, _ in pairs], [y for _, y in pairs], style)
        for n, (pairs, style) in enumerate(
            zip(points, itertools.cycle(["solid", "dashed", "dotted", "faint"]), strict=False)
        )
    ]
    chart = render_chart(
        series, width, height, log_y=log_y, ascii_only=ascii_only, cursor=cursor, title="title"
    )
    assert_well_formed(chart, width, height)
    assert len(chart.values) == len(series)
    assert chart.text.isascii() or not ascii_only


def test_the_same_series_looks_the_same_in_columns_and_in_lines() -> None:
    x = np.arange(100_000.0)
    y = np.sin(x / 9000)
    thinned = Series("", x[::1000], y[::1000])  # few enough to be drawn line by line
    charts = [
        render_chart([one], 60, 15, x_range=(0, 1e5), y_range=(-1.2, 1.2))
        for one in (Series("", x, y), thinned)
    ]
    drawn = [
        np.array([[c > "⠀" for c in row.text] for row in chart.rows[: chart.plot_rows]])
        for chart in charts
    ]
    for these, those in itertools.permutations(drawn):
        around = np.pad(those, 1)
        near = np.lib.stride_tricks.sliding_window_view(around, (3, 3)).any(axis=(2, 3))
        assert these.sum() > 60
        assert not (these & ~near).any()


def test_a_dense_series_breaks_where_it_is_nan() -> None:
    x = np.arange(10_000.0)
    y = np.ones(10_000)
    y[4000:6000] = np.nan
    chart = render_chart([Series("", x, y)], 44, 7)
    drawn = [row.text for row in chart.rows if "⠤" in row.text or "⠒" in row.text]
    assert len(drawn) == 1
    gap = drawn[0][chart.plot_left :].strip()
    assert gap.count("┈") == 8  # 16 of the 84 dot columns are NaN throughout


def test_a_dense_series_is_joined_where_only_x_jumps() -> None:
    x = np.concatenate([np.arange(5000.0), np.arange(9000.0, 14_000.0)])
    chart = render_chart([Series("", x, np.ones(10_000))], 44, 7)
    drawn = [row.text for row in chart.rows if "⠤" in row.text or "⠒" in row.text]
    assert drawn[0][chart.plot_left :].count(" ") == 0


def test_a_faint_band_never_takes_the_place_of_a_line() -> None:
    band = Series("raw", np.arange(5000.0), np.sin(np.arange(5000.0)), "faint")
    line = Series("smoothed", [0, 4999], [0, 0], "solid")
    for order, number in (([band, line], 1), ([line, band], 0)):
        middle = render_chart(order, 40, 5).rows[2]
        assert {segment.role for segment in middle.segments} == {number}


def test_values_near_the_largest_double_count_as_infinite() -> None:
    huge = Series("", [0, 1, 2, 1e305], [1.7e308, -1.7e308, 1, 2])
    assert huge.trouble == "1 NaN, 2 Inf"
    chart = render_chart([huge], 40, 8)
    assert chart.x_range == (0, 2)
    assert chart.y_range == (0.9, 1.1)
    assert "▲" in chart.text
    assert "▼" in chart.text


def test_a_chart_knows_where_it_is() -> None:
    chart = CHARTS["curves"]()
    assert chart.x_range == (1, 100)
    assert chart.x_at(0) == chart.x_at(chart.plot_left - 1) == 1
    assert chart.x_at(1000) == 100
    assert chart.x_at(chart.plot_left + chart.plot_columns // 2) == pytest.approx(50.5, abs=1.5)
    assert chart.plot_left + chart.plot_columns == 72
    with_cursor = render_chart(curves(), 40, 10, cursor=42.0)
    assert with_cursor.values[0] == pytest.approx(float(np.asarray(curves()[0].y)[41]))
    assert np.isnan(with_cursor.values[2] or 0)


def test_zooming_shows_the_range_of_what_is_visible() -> None:
    chart = render_chart(curves()[:1], 60, 12, x_range=(50, 60))
    visible = np.asarray(curves()[0].y)[49:60]
    assert chart.y_range == pytest.approx((visible.min(), visible.max()))


def test_what_cannot_be_drawn_is_refused() -> None:
    for size in ((0, 5), (5, 0)):
        with pytest.raises(ValueError, match="cannot be drawn"):
            render_chart([], *size)
    with pytest.raises(ValueError, match="does not ascend"):
        render_chart([], 10, 5, x_range=(2, 1))
    with pytest.raises(ValueError, match="does not ascend"):
        render_chart([], 10, 5, y_range=(0, np.nan))
    with pytest.raises(ValueError, match="log axis cannot begin at 0"):
        render_chart([], 10, 5, y_range=(0, 1), log_y=True)
    with pytest.raises(ValueError, match="v6: x is"):
        Series("v6", [1, 2], [1])


@pytest.mark.parametrize(("log", "least"), [(False, -3.0), (False, 0.0), (False, 0.5), (True, 0.5)])
def test_range_of_a_long_curve_is_that_of_its_values(log: bool, least: float) -> None:
    y = np.random.default_rng(0).uniform(least, 9, 20_000)
    one = Series("a", np.arange(y.size), y)
    assert visible_y([one], (0, y.size), log) == (y.min(), y.max())
    assert visible_y([one], (0, 99), log) == (y[:100].min(), y[:100].max())


def test_a_flat_line_lies_on_its_only_tick() -> None:
    chart = render_chart([Series("v6", [1, 2, 3], [0.4312] * 3)], 40, 12, title="f1")
    drawn = [row.text for row in chart.rows if "┤" in row.text]
    assert len(drawn) == 1
    assert drawn[0].startswith("0.4312┤")
    assert set(drawn[0][7:]) <= set("⠉⠒⠤⣀")


def test_no_curve_touches_the_title() -> None:
    top = render_chart([Series("v6", [1, 2], [0, 1])], 40, 12, title="f1").rows[1].text
    dots = [ord(letter) - 0x2800 for letter in top if 0x2800 < ord(letter) < 0x2900]
    assert dots
    assert not any(dot & 0b11011 for dot in dots)  # the two upper rows of dots


def test_the_best_point_and_points_that_stand_alone_are_marked() -> None:
    y = [0.1, np.nan, 0.3, np.nan, 0.5, 0.7, 0.6]
    chart = render_chart([Series("", range(7), y, best=5.0)], 40, 12)
    assert chart.text.count("●") == 3
    faint = render_chart([Series("", range(7), y, "faint")], 40, 12)
    assert "●" not in faint.text


@pytest.mark.parametrize(
    ("x", "label", "kind", "beside", "words"),
    [
        (7.0, "epoch", "integer", (724.0, "time", "duration"), "epoch 7.0 · 12m 04s"),
        (744.0, "time", "duration", (7.2, "epoch", "integer"), "12m 24s · epoch 7.2"),
        (1.234, "dollars", "dollars", (45.0, "time", "duration"), "$1.23 · 45s"),
        (5000.0, "step", "integer", (7265.0, "time", "duration"), "step 5,000 · 2h1m"),
    ],
)
def test_the_cursor_says_where_it_is(
    x: float, label: str, kind: TickKind, beside: tuple[float, str, TickKind], words: str
) -> None:
    value, other, other_kind = beside
    line = Beside(np.array([0.0, 2 * x]), np.array([0.0, 2 * value]), other, other_kind)
    series = [Series("v6", [0, 2 * x], [0, 1])]
    chart = render_chart(series, 60, 12, x_label=label, x_kind=kind, cursor=x, beside=line)
    assert words in chart.text


def test_the_legend_says_that_its_value_is_smoothed_and_nothing_moves_with_the_cursor() -> None:
    smooth = [Series("loss", [0, 1], [0, 1], note="ema 0.6")]
    without, with_cursor = (render_chart(smooth, 40, 12, cursor=x) for x in (None, 0.5))
    assert "loss 0 ema 0.6" in render_chart(smooth, 40, 12, cursor=0.1).text
    assert (without.plot_rows, without.plot_left) == (with_cursor.plot_rows, with_cursor.plot_left)


@pytest.mark.parametrize("height", [7, 8, 12])
def test_a_chart_with_axes_says_what_it_shows(height: int) -> None:
    assert "hours" in render_chart(curves(), 30, height, title="hours").rows[0].text
