"""A curve in one row of text, for a table cell or a list."""

import numpy as np
from numpy.typing import ArrayLike

from mabe_tui.plotting.braille import Canvas
from mabe_tui.plotting.decimation import Envelope
from mabe_tui.plotting.drawing import draw_all
from mabe_tui.plotting.series import Scale, Series, joint_range

ASCII_LEVELS = "_.-=+*#"


def sparkline(y: ArrayLike, width: int, *, ascii_only: bool = False) -> str:
    """Draw values evenly spaced, from their minimum at the bottom to their maximum at the top.

    Args:
        y: ``(points,)``; NaN and infinities leave a gap, marked if a whole column has nothing else.
        width: characters, at least 1: the length of the result.
        ascii_only: seven ASCII levels instead of Braille dots.

    Raises:
        ValueError: ``width`` is below 1, or ``y`` is not an array of numbers.
    """
    if width < 1:
        raise ValueError(f"a sparkline of {width} characters cannot be drawn")
    series = Series("", np.arange(np.size(y)), y)
    x_range = joint_range([series.x_bounds])
    y_range = joint_range([series.visible(*x_range).bounds()])
    if ascii_only:
        return _levels(series, width, x_range, y_range)
    canvas = Canvas(width, 1)
    scales = Scale(*x_range, canvas.width), Scale(*y_range, canvas.height)
    troubled = {column for column, _ in draw_all(canvas, [series], *scales)}
    row = canvas.text()[0]
    return "".join(
        "×" if column in troubled and character == " " else character
        for column, character in enumerate(row)
    )


def _levels(
    series: Series, width: int, x_range: tuple[float, float], y_range: tuple[float, float]
) -> str:
    """Return one level per column, the middle of its values; a column between points repeats the last."""
    scale = Scale(*x_range, width)
    at = np.rint(scale.position(series.points[0])).astype(np.intp)
    if not at.size:
        return " " * width
    starts = np.flatnonzero(np.diff(at, prepend=-1))
    runs = Envelope.of_samples(*series.points).merged(starts)
    places = np.searchsorted(at[starts], np.arange(width), side="right") - 1
    middle = (runs.low + runs.high)[places] / 2
    levels = np.rint(Scale(*y_range, len(ASCII_LEVELS)).position(middle))
    marks = ["!" if np.isnan(level) else ASCII_LEVELS[int(level)] for level in levels]
    return "".join(marks)
