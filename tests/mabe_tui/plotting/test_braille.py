import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mabe_tui.plotting.braille import Canvas, line_styles

anywhere = st.floats(-1e6, 1e6) | st.just(np.nan)


def test_every_dot_has_its_own_bit() -> None:
    for y in range(4):
        for x in range(2):
            canvas = Canvas(1, 1)
            canvas.line([x], [y], 0)
            assert canvas.dots.sum() == 1
            assert canvas.dots[y, x]
    full = Canvas(1, 1)
    full.spans([0, 1], [0, 0], [3, 3], 0)
    assert full.text() == ["⣿"]


def test_corner_dots_read_as_unicode_says() -> None:
    characters = []
    for x, y in ((0, 0), (1, 0), (0, 3), (1, 3)):
        canvas = Canvas(1, 1)
        canvas.line([x], [y], 0)
        characters += canvas.text()
    assert characters == ["⠁", "⠈", "⡀", "⢀"]


def test_a_line_is_one_dot_a_step() -> None:
    canvas = Canvas(4, 2)
    canvas.line([0, 7], [7, 0], 0)
    assert np.flatnonzero(np.fliplr(canvas.dots)).tolist() == [9 * i for i in range(8)]


@given(st.lists(st.tuples(anywhere, anywhere), max_size=20))
def test_any_line_stays_on_the_canvas_and_owns_what_it_draws(
    points: list[tuple[float, float]],
) -> None:
    canvas = Canvas(5, 3)
    table = np.array(points, dtype=float).reshape(-1, 2)
    canvas.line(table[:, 0], table[:, 1], 2)
    cells = canvas.dots.reshape(3, 4, 5, 2).any(axis=(1, 3))
    assert ((canvas.owner == 2) == cells).all()
    assert [[c != " " for c in row] for row in canvas.text()] == cells.tolist()


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(-50, 50), st.floats(-50, 50))
def test_clipping_draws_what_the_whole_line_would(
    x0: float, y0: float, x1: float, y1: float
) -> None:
    small, large = Canvas(5, 3), Canvas(75, 40)
    small.line([x0, x1], [y0, y1], 0)
    large.line([x0 + 60, x1 + 60], [y0 + 60, y1 + 60], 0)
    window = large.dots[59 : 60 + small.height + 1, 59 : 60 + small.width + 1]
    near = np.zeros_like(small.dots)
    for down in range(3):
        for right in range(3):
            near |= window[down : down + small.height, right : right + small.width]
    assert not (small.dots & ~near).any(), "a dot farther than one from the unclipped line"
    inner = window[2:-2, 2:-2]
    assert bool(inner.any()) <= bool(small.dots.any())


def test_nan_breaks_a_line_and_a_point_alone_is_a_dot() -> None:
    canvas = Canvas(4, 1)
    canvas.line([0, 1, 2, 3, 4, 6, 7], [0, 0, np.nan, 0, np.nan, 0, 0], 0)
    assert np.flatnonzero(canvas.dots[0]).tolist() == [0, 1, 3, 6, 7]
    assert not canvas.dots[1:].any()


def test_crossing_lines_keep_all_dots_and_the_fuller_cell_wins() -> None:
    canvas = Canvas(2, 1)
    canvas.line([0, 3], [0, 0], 0)
    canvas.spans([0], [0], [3], 1)
    assert canvas.text() == ["⡏⠉"]
    assert canvas.owner.tolist() == [[1, 0]]
    canvas.line([2, 3], [3, 3], 2)
    assert canvas.owner.tolist() == [[1, 2]], "among equals the last"


def test_faint_is_a_half_tone_that_gives_way() -> None:
    canvas = Canvas(1, 1)
    canvas.line([0], [1], 0)
    canvas.spans([0, 1], [0, 0], [3, 3], 1, "faint")
    assert canvas.owner.tolist() == [[0]]
    assert canvas.dots.sum() == 5


@pytest.mark.parametrize(
    ("style", "drawn"), [("solid", 16), ("dashed", 12), ("dotted", 6), ("dash-dot", 12)]
)
def test_styles_differ_on_lines_and_on_columns(style, drawn: int) -> None:
    line, columns = Canvas(8, 1), Canvas(8, 1)
    line.line([0, 15], [0, 0], 0, style)
    columns.spans(np.arange(16), np.zeros(16), np.zeros(16), 0, style)
    assert line.dots.sum() == columns.dots.sum() == drawn


def test_ascii_marks_tell_series_apart() -> None:
    canvas = Canvas(3, 1, ascii_only=True)
    for number in range(2):
        canvas.line([number], [0], number, "dotted")
    canvas.line([2], [0], 2, "faint")
    assert canvas.text() == ["*+."]


def test_styles_for_many_series() -> None:
    styles = line_styles(5)
    assert len(set(styles[:4])) == 4
    assert styles[4] == styles[0]
