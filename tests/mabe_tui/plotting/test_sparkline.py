import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mabe_tui.plotting.sparkline import sparkline

anything = st.floats(allow_nan=True, allow_infinity=True, min_value=None)


@given(st.lists(anything, max_size=200), st.integers(1, 30), st.booleans())
def test_any_values_give_exactly_the_width(y: list[float], width: int, ascii_only: bool) -> None:
    text = sparkline(y, width, ascii_only=ascii_only)
    assert len(text) == width
    assert text.isprintable()
    assert text.isascii() or not ascii_only


@pytest.mark.parametrize(
    ("y", "braille", "plain"),
    [
        ([1, 2, 3, 4], "⣀⠤⠒⠉", "_-+#"),
        ([3, 3, 3], "⠤⠤⠤⠤", "===="),
        ([], "    ", "    "),
        ([np.nan, np.nan], "×  ×", "!!!!"),
    ],
)
def test_sparklines_read_as_written(y: list[float], braille: str, plain: str) -> None:
    assert sparkline(y, 4) == braille
    assert sparkline(y, 4, ascii_only=True) == plain


def test_a_peak_among_many_values_is_seen() -> None:
    y = np.zeros(10_000)
    y[5_000] = 1
    assert len(set(sparkline(y, 10))) == 2


def test_no_width_is_refused() -> None:
    with pytest.raises(ValueError, match="sparkline of 0"):
        sparkline([1], 0)
