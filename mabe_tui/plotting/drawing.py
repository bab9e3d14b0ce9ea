"""Draw series on a canvas: as lines if points are few, as filled columns if they are many."""

from collections.abc import Sequence

import numpy as np

from mabe_tui.plotting.band import Band, dots_of
from mabe_tui.plotting.braille import Canvas
from mabe_tui.plotting.decimation import Envelope, Floats, Indices
from mabe_tui.plotting.series import Scale, Series

DENSE = 2
"""From this many samples per column of dots, columns are filled instead of lines drawn."""


def draw_all(
    canvas: Canvas, series: Sequence[Series], x_scale: Scale, y_scale: Scale
) -> list[tuple[int, int]]:
    """Draw the series over one another, each under its index.

    Returns:
        (character column, :attr:`Envelope.trouble` bits) of non-finite values.
    """
    troubles: list[tuple[int, int]] = []
    for number, one in enumerate(series):
        if isinstance(one, Band):
            _fill(canvas, one, number, x_scale, y_scale)
            continue
        at, samples = _draw(canvas, one, number, x_scale, y_scale)
        wrong = (samples.trouble > 0) & (at >= 0) & (at < canvas.width)
        columns = at[wrong] // canvas.cell_width
        troubles += zip(columns.tolist(), samples.trouble[wrong].tolist(), strict=True)
    return troubles


def _draw(
    canvas: Canvas, series: Series, number: int, x_scale: Scale, y_scale: Scale
) -> tuple[Indices, Envelope]:
    """Draw one series; return the drawn envelope and its dot columns."""
    pyramid = series.pyramid
    if pyramid and pyramid.count(x_scale.low, x_scale.high) > DENSE * canvas.width:
        at, samples = pyramid.columns(x_scale.edges())
        samples = samples.log10() if y_scale.log else samples
        _draw_columns(canvas, at, samples, y_scale, number, series)
        return at, samples
    samples = series.samples(x_scale.low, x_scale.high)
    samples = samples.log10() if y_scale.log else samples
    places = x_scale.position(samples.x)
    canvas.line(places, _rows(canvas, y_scale, samples.first), number, series.style)
    return np.rint(places).astype(np.intp), samples


def _fill(canvas: Canvas, band: Band, number: int, x_scale: Scale, y_scale: Scale) -> None:
    """Fill each column of dots between the two ends."""
    at, lower, upper = band.between(x_scale)
    lower, upper = dots_of(lower, upper, y_scale)
    bottom = canvas.height - 1
    canvas.spans(at, bottom - upper, bottom - lower, number, band.style)


def _draw_columns(
    canvas: Canvas, at: Indices, samples: Envelope, y_scale: Scale, number: int, series: Series
) -> None:
    """Fill each column from its least to its greatest value, and link adjacent columns."""
    top, bottom, first, last = (
        _rows(canvas, y_scale, values)
        for values in (samples.high, samples.low, samples.first, samples.last)
    )
    middle = np.where(np.diff(at) == 1, (last[:-1] + first[1:]) / 2, np.nan)
    for here in (slice(None, -1), slice(1, None)):
        top[here], bottom[here] = np.fmin(top[here], middle), np.fmax(bottom[here], middle)
    canvas.spans(at, top, bottom, number, series.style)
    gaps = np.flatnonzero(np.diff(at) > 1)
    if gaps.size:
        nothing = np.full(gaps.size, np.nan)
        x = np.column_stack([at[gaps], at[gaps + 1], nothing]).ravel()
        y = np.column_stack([last[gaps], first[gaps + 1], nothing]).ravel()
        canvas.line(x, y, number, series.style)


def _rows(canvas: Canvas, y_scale: Scale, values: Floats) -> Floats:
    """Return dot rows, counted from the top."""
    return canvas.height - 1 - y_scale.position(values)
