"""Charts as SVG for a document or a web page, light or dark, readable without colour."""

import re
from collections.abc import Iterator, Sequence
from html import escape
from textwrap import wrap

import numpy as np

from mabe_tui.plotting.band import Band, dots_of
from mabe_tui.plotting.chart import named_range, visible_y
from mabe_tui.plotting.decimation import Envelope, Floats
from mabe_tui.plotting.panel import Panel
from mabe_tui.plotting.series import Scale, Series, joint_range
from mabe_tui.plotting.ticks import TickKind, named_ticks, ticks

LEFT, RIGHT, TOP, BOTTOM = 62, 12, 60, 40
"""Margins around the plot, in pixels."""
DENSE = 2
"""From this many points per pixel, only the least and greatest of each column are drawn."""
TROUBLE_PIXELS = 6
"""Minimum distance between marks of NaN and Inf, in pixels."""
LETTER = 6.6
"""Average width of a legend character, in pixels."""
ROOM_FOR_COUNT = 60
"""Width of ``+3 more``, in pixels."""
TITLE_Y = 16
LEGEND_ROWS = (34, 50)
"""The y of each mark."""

LIGHT = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56606a")
DARK = ("#56b4e9", "#ff8c42", "#2fd3a2", "#e9a3cc", "#f0e442", "#b7c0c9")
"""Distinguishable by colour-blind people: after Okabe & Ito (2008), darker or lighter for the background."""
DASHES = ("", "8 4", "2 3", "10 3 2 3", "5 2", "1 5")


_NOT_IN_XML = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff"
    r"\u200e\u200f\u2028-\u202e\u2066-\u2069]"  # characters that change the text direction
)


def without_controls(document: str) -> str:
    """Return a document without characters that XML forbids or that change how others are displayed."""
    return _NOT_IN_XML.sub("", document)


def style_sheet() -> str:
    """Return the CSS of :func:`svg_chart`'s elements, for a page that holds several.

    It contains the fonts, and the colours for a dark background. Those for a light one are attributes of
    the elements, for programs other than browsers, which do not support style sheets.
    """
    colours = "".join(
        f".chart .c{number}{{stroke:{colour}}}.chart .b{number}{{fill:{colour}}}"
        for number, colour in enumerate(DARK)
    )
    return (
        ".chart text{font:12px system-ui,sans-serif}.chart .title{font-weight:600}"
        "@media(prefers-color-scheme:dark){.chart text{fill:#e6e8ea}"
        ".chart .axis,.chart .grid{stroke:#e6e8ea}.chart .paper{fill:#16191d}"
        f".chart .alert{{fill:{DARK[1]}}}{colours}}}"
    )


def svg_document(
    panels: Sequence[Panel], captions: Sequence[str] = (), width: int = 720, height: int = 300
) -> str:
    """Return a complete SVG file: the panels one below another, then lines of text."""
    line, letters = 18, int((width - 24) / LETTER)
    captions = [row for caption in captions for row in wrap(caption, letters)]
    total = height * len(panels) + line * len(captions) + 12 * bool(captions)
    charts = "".join(
        f'<g transform="translate(0 {height * number})">{_content(panel, width, height)}</g>'
        for number, panel in enumerate(panels)
    )
    words = "".join(
        f'<text x="12" y="{height * len(panels) + line * (number + 1)}">{escape(caption)}</text>'
        for number, caption in enumerate(captions)
    )
    return without_controls(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {total}"'
        f' width="{width}" height="{total}"><style>{style_sheet()}</style>'
        f'<rect class="paper" width="100%" height="100%" fill="#fff"/>{charts}{words}</svg>\n'
    )


def svg_chart(panel: Panel, width: int = 720, height: int = 300) -> str:
    """Return one chart as an element, for a page that includes :func:`style_sheet`."""
    return (
        f'<svg class="chart" role="img" aria-label="{escape(panel.title)}"'
        f' viewBox="0 0 {width} {height}">{_content(panel, width, height)}</svg>'
    )


def _content(panel: Panel, width: int, height: int) -> str:
    x_range = joint_range(one.x_bounds for one in panel.series)
    if panel.x_names:
        x_range = named_range(panel.x_names)
    y_range = visible_y(panel.series, x_range, panel.log_y)
    x_scale = Scale(*x_range, width - LEFT - RIGHT)
    y_scale = Scale(*y_range, height - TOP - BOTTOM, panel.log_y)
    frame = _frame(panel, x_scale, y_scale, width, height)
    drawn = zip(panel.series, panel.lines, strict=True)
    lines = "".join(_line(one, number, x_scale, y_scale) for one, number in drawn)
    title = f'<text class="title" x="{LEFT}" y="{TITLE_Y}">{escape(panel.title)}</text>'
    return f"{title}{_legend(panel, width)}{frame}{lines}"


def _frame(panel: Panel, x_scale: Scale, y_scale: Scale, width: int, height: int) -> str:
    bottom, right = height - BOTTOM, width - RIGHT
    y_kind: TickKind = "log" if panel.log_y else panel.y_kind
    parts = [f'<path {_rule("axis", 0.45)} d="M{LEFT} {TOP}V{bottom}H{right}"/>']
    for at, label in _marks(y_scale, 6, y_kind):
        y = bottom - 1 - at
        ends = f'x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"'
        parts.append(f"<line {_rule('grid', 0.12)} {ends}/>")
        parts.append(_tick(LEFT - 6, y + 4, "end", label))
    named = named_ticks(panel.x_names)
    places = x_scale.position(named.positions).tolist()
    found = [*zip(places, named.labels, strict=True)]
    for at, label in found or _marks(x_scale, (right - LEFT) // 80, panel.x_kind):
        parts.append(_tick(LEFT + at, bottom + 16, "middle", label))
    parts.append(_tick(right, height - 6, "end", panel.x_label))
    return "".join(parts)


def _marks(scale: Scale, most: int, kind: TickKind) -> Iterator[tuple[float, str]]:
    """Return the ticks of an axis: pixels along it, and their labels."""
    found = ticks(scale.low, scale.high, most, kind)
    values = np.log10(found.positions) if scale.log else np.array(found.positions)
    yield from zip(scale.position(values).tolist(), found.labels, strict=True)


def _tick(x: float, y: float, anchor: str, label: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill-opacity="0.75">'
        f"{escape(label)}</text>"
    )


def _legend(panel: Panel, width: int) -> str:
    """Return the names of the lines in rows; those without room are counted."""
    named = [(s, line) for s, line in zip(panel.series, panel.lines, strict=True) if s.name]
    parts, x, rows = [], float(LEFT), list(LEGEND_ROWS)
    for number, (one, line) in enumerate(named):
        words = f"{one.name} ({one.trouble})" if one.trouble else one.name
        needed = 34 + LETTER * len(words)
        is_last = number + 1 == len(named)
        if x > LEFT and x + needed > width - (RIGHT if rows[1:] or is_last else ROOM_FOR_COUNT):
            y = rows.pop(0)
            if not rows:
                parts.append(f'<text x="{x:.0f}" y="{y}">+{len(named) - number} more</text>')
                break
            x = float(LEFT)
        y = rows[0]
        parts.append(
            f'<line {_stroke(line)} x1="{x:.0f}" x2="{x + 24:.0f}" y1="{y - 4}"'
            f' y2="{y - 4}"/><text x="{x + 29:.0f}" y="{y}">{escape(words)}</text>'
        )
        x += needed + 12
    return "".join(parts)


def _rule(kind: str, opacity: float) -> str:
    return f'class="{kind}" fill="none" stroke="#1b1f24" stroke-opacity="{opacity}"'


def _stroke(line: int, faint: bool = False) -> str:
    number, dashes = line % len(LIGHT), DASHES[line % len(DASHES)]
    drawn = f'class="c{number}" fill="none" stroke="{LIGHT[number]}" stroke-linejoin="round"'
    if faint:
        return f'{drawn} stroke-opacity="0.3"'
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'{drawn} stroke-width="1.6"{dashed}'


def _area(band: Band, line: int, x_scale: Scale, y_scale: Scale) -> str:
    """Fill a band between its points, or pixel by pixel if they are many; gaps split it."""
    if np.size(band.x) <= x_scale.dots:
        x, lower, upper = band.ends
        at = x_scale.position(x)
    else:
        at, lower, upper = band.between(x_scale)
    lower, upper = dots_of(lower, upper, y_scale)
    at, bottom = LEFT + at, TOP + y_scale.dots - 1
    known = np.flatnonzero(np.isfinite(lower) & np.isfinite(upper))
    path = "".join(
        _path(
            np.append(at[part], at[part[::-1]]), bottom - np.append(upper[part], lower[part[::-1]])
        )
        + "Z"
        for part in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1)
        if part.size
    )
    number = line % len(LIGHT)
    return f'<path class="b{number}" fill="{LIGHT[number]}" fill-opacity="0.18" d="{path}"/>'


def _line(one: Series, line: int, x_scale: Scale, y_scale: Scale) -> str:
    if isinstance(one, Band):
        return _area(one, line, x_scale, y_scale)
    x, samples = _samples(one, x_scale)
    samples = samples.log10() if y_scale.log else samples
    bottom = TOP + y_scale.dots - 1
    ends = [samples.first, samples.low, samples.high, samples.last]
    if len(samples) == one.points[0].size:
        ends = ends[:1]  # each is one point
    y = bottom - y_scale.position(np.column_stack(ends))
    path = _path(np.repeat(LEFT + x, len(ends)), y.ravel())
    wrong = np.unique((x[samples.trouble > 0] / TROUBLE_PIXELS).round()) * TROUBLE_PIXELS
    marks = "".join(
        f'<text class="alert" fill="{LIGHT[1]}" font-weight="700" text-anchor="middle"'
        f' x="{LEFT + at:.0f}" y="{bottom + 4}">×</text>'
        for at in wrong.tolist()
    )
    points = _points(one, line, x_scale, y_scale)
    return f'<path {_stroke(line, one.style == "faint")} d="{path}"/>{marks}{points}'


def _points(one: Series, line: int, x_scale: Scale, y_scale: Scale) -> str:
    """Mark the best point, and points that stand alone."""
    x, y = one.marks(x_scale.low, x_scale.high, x_scale.dots)
    y = np.log10(np.where(y > 0, y, np.nan)) if y_scale.log else y
    number, bottom = line % len(LIGHT), TOP + y_scale.dots - 1
    places = zip(x_scale.position(x).tolist(), y_scale.position(y).tolist(), strict=True)
    return "".join(
        f'<circle class="b{number}" fill="{LIGHT[number]}" cx="{LEFT + at:.1f}"'
        f' cy="{bottom - height:.1f}" r="3"/>'
        for at, height in places
        if height == height  # a value that is not above 0 has no place on a logarithmic axis
    )


def _samples(one: Series, x_scale: Scale) -> tuple[Floats, Envelope]:
    """Return pixels from the left and the envelope drawn there: points, or columns if they are many."""
    pyramid = one.pyramid
    if pyramid and pyramid.count(x_scale.low, x_scale.high) > DENSE * x_scale.dots:
        at, samples = pyramid.columns(x_scale.edges())
        return at.astype(np.float64), samples
    samples = one.samples(x_scale.low, x_scale.high)
    return x_scale.position(samples.x), samples


def _path(x: Floats, y: Floats) -> str:
    """Join points; NaN breaks the line, and an isolated point is a dot."""
    finite = np.isfinite(y)
    starts = finite & ~np.concatenate(([False], finite[:-1]))
    lone = starts & ~np.concatenate((finite[1:], [False]))
    words = []
    for at_x, at_y, start, alone in zip(
        x[finite].tolist(), y[finite].tolist(), starts[finite], lone[finite], strict=True
    ):
        words.append(f"{'M' if start else 'L'}{at_x:.1f} {at_y:.1f}")
        if alone:
            words.append("h.8")
    return "".join(words)
