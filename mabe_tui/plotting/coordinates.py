"""Parallel coordinates: a vertical axis for each quantity, and a line through them for each item.

After Inselberg (1985), The plane with parallel coordinates. The best items are drawn last and strongest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from mabe_tui.plotting.braille import Canvas, Floats, LineStyle
from mabe_tui.plotting.grid import AXIS, PLAIN, Grid, Row
from mabe_tui.plotting.svg import DARK, LIGHT, style_sheet, without_controls

BEST, GOOD, REST = 0, 1, 2
"""Roles of lines: the best tenth, the better half, and the others."""
STYLES: dict[int, LineStyle] = {BEST: "solid", GOOD: "dotted", REST: "faint"}
LEAST_SPACE = 8
"""Columns from one axis to the next."""
EDGE, TOP, BOTTOM = 70, 44, 18
"""Margins of the SVG, in pixels."""
COLOURS = {BEST: (1, 2.2, 1.0), GOOD: (0, 1.2, 0.7), REST: (5, 1.0, 0.3)}
"""Role → colour, width and opacity."""


@dataclass(frozen=True, eq=False)
class CoordinateAxis:
    """One quantity of all items."""

    label: str
    at: Floats
    """``(items,)`` positions from 0 at the bottom to 1 at the top; NaN where unknown."""
    ticks: tuple[tuple[float, str], ...]
    """Positions and their labels."""


def roles_of(order: Sequence[int]) -> NDArray[np.intp]:
    """Return the role of each item.

    Args:
        order: the items' indices, the best first.
    """
    roles = np.full(len(order), REST, dtype=np.intp)
    places = np.asarray(order, dtype=np.intp)
    roles[places[: (len(order) + 1) // 2]] = GOOD
    roles[places[: max(1, len(order) // 10)]] = BEST
    return roles


def render_coordinates(
    axes: Sequence[CoordinateAxis],
    order: Sequence[int],
    width: int,
    height: int,
    *,
    ascii_only: bool = False,
) -> tuple[Row, ...]:
    """Draw the axes and lines in characters; axes without room are left out, but not the last.

    Args:
        axes: from left to right.
        order: the items' indices, the best first.
        width: characters per row.
        height: rows.
        ascii_only: use ASCII characters only.
    """
    room = max(2, width // LEAST_SPACE)
    shown = [*axes[: room - 1], axes[-1]] if len(axes) > room else list(axes)
    space = (width - LEAST_SPACE) // max(1, len(shown) - 1)
    grid, canvas = Grid(height, width), Canvas(width, height - 1, ascii_only=ascii_only)
    columns = np.array([number * space for number in range(len(shown))])
    heights = np.column_stack([axis.at for axis in shown])
    roles = roles_of(order)
    for item in reversed(order):
        x = columns * canvas.cell_width
        y = (1 - heights[item]) * (canvas.height - 1)
        canvas.line(x, y, int(roles[item]), STYLES[int(roles[item])])
    drawn = canvas.codes()
    there = drawn != ord(" ")
    grid.codes[1:][there] = drawn[there]
    grid.roles[1:][there] = canvas.owner[there]
    for axis, column in zip(shown, columns.tolist(), strict=True):
        _put_axis(grid, axis, column, space, "|" if ascii_only else "│")
    return grid.rows()


def _put_axis(grid: Grid, axis: CoordinateAxis, column: int, space: int, rule: str) -> None:
    for row in range(1, grid.height):
        grid.put(row, column, rule, AXIS)
    grid.put(0, column, axis.label[: max(space, LEAST_SPACE) - 1], PLAIN)
    taken: set[int] = set()
    for place, label in axis.ticks:
        row = 1 + round((1 - place) * (grid.height - 2))
        if row not in taken:
            taken.add(row)
            grid.put(row, column + 1, label[: max(space, LEAST_SPACE) - 2], PLAIN)


def svg_coordinates(
    axes: Sequence[CoordinateAxis],
    order: Sequence[int],
    names: Sequence[str],
    title: str,
    width: int = 960,
    height: int = 420,
) -> str:
    """Return a complete SVG file; a line's name is shown when the pointer is on it.

    Args:
        axes: from left to right.
        order: the items' indices, the best first.
        names: of the items.
        title: text above the picture.
        width: pixels.
        height: pixels.
    """
    x = np.linspace(EDGE, width - EDGE, len(axes))
    heights = np.column_stack([axis.at for axis in axes])
    y = TOP + (1 - heights) * (height - TOP - BOTTOM)
    roles = roles_of(order)
    lines = "".join(
        _svg_line(x, y[item], int(roles[item]), names[item]) for item in reversed(order)
    )
    rules = "".join(_svg_axis(axis, at, height) for axis, at in zip(axes, x.tolist(), strict=True))
    colours = "".join(f".s{role}{{stroke:{DARK[n]}}}" for role, (n, _, _) in COLOURS.items())
    return without_controls(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}"><style>{style_sheet()}'
        f"@media(prefers-color-scheme:dark){{{colours}}}</style>"
        '<rect class="paper" width="100%" height="100%" fill="#fff"/>'
        f'<text class="title" x="12" y="16">{escape(title)}</text>{lines}{rules}</svg>\n'
    )


def _svg_line(x: Floats, y: Floats, role: int, name: str) -> str:
    known = np.isfinite(y)
    points = [f"{left:.1f} {top:.1f}" for left, top in zip(x[known], y[known], strict=True)]
    if not points:
        return ""
    number, stroke, opacity = COLOURS[role]
    return (
        f'<path class="s{role}" fill="none" stroke="{LIGHT[number]}" stroke-width="{stroke}"'
        f' stroke-opacity="{opacity}" d="M{"L".join(points)}"><title>{escape(name)}</title></path>'
    )


def _svg_axis(axis: CoordinateAxis, x: float, height: int) -> str:
    room = height - TOP - BOTTOM
    rule = '<path class="axis" fill="none" stroke="#1b1f24" stroke-opacity="0.45"'
    parts = [
        f'{rule} d="M{x:.1f} {TOP}V{height - BOTTOM}"/>',
        f'<text x="{x:.1f}" y="{TOP - 10}" text-anchor="middle">{escape(axis.label)}</text>',
    ]
    parts += [
        f'<text x="{x + 5:.1f}" y="{TOP + (1 - place) * room + 4:.1f}" fill-opacity="0.75">'
        f"{escape(label)}</text>"
        for place, label in axis.ticks
    ]
    return "".join(parts)
