"""Horizontal bars, each with a mark, as lines of text and as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from mabe_tui.plotting.svg import DARK, LIGHT, style_sheet, without_controls

ROW, LEFT, VALUE, PADDING = 26, 200, 60, 14
"""Pixels: height of a row, width of the names, width of the numbers, space around."""
FULL, EMPTY, MARK = "█", "░", "│"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar."""

    name: str
    value: float
    """From 0 to 1."""
    mark: float
    """Where a mark crosses its row, from 0 up; beyond 1 it is at the end."""
    strong: bool
    """Whether it is drawn in the first colour; else in grey."""


def text_bar(bar: Bar, room: int, ascii_only: bool = False) -> str:
    """Return the bar as characters, ``room`` of them.

    Args:
        bar: the bar.
        room: characters; at least 1.
        ascii_only: use ASCII characters only.
    """
    full, mark = ("#", "|") if ascii_only else (FULL if bar.strong else EMPTY, MARK)
    length = min(room, max(0, round(bar.value * room)))
    line = [full] * length + [" "] * (room - length)
    line[min(room - 1, round(bar.mark * room))] = mark
    return "".join(line)


def svg_bars(bars: Sequence[Bar], title: str, captions: Sequence[str], width: int = 720) -> str:
    """Return a complete SVG file.

    Args:
        bars: from top to bottom.
        title: heading.
        captions: lines below.
        width: in pixels.
    """
    top = 2 * PADDING + 16
    height = top + ROW * len(bars) + 18 * len(captions) + PADDING
    room = width - LEFT - VALUE - 2 * PADDING
    rows = "".join(_row(bar, top + ROW * place, room) for place, bar in enumerate(bars))
    below = top + ROW * len(bars)
    words = "".join(
        f'<text x="{PADDING}" y="{below + 18 * (place + 1)}">{escape(caption)}</text>'
        for place, caption in enumerate(captions)
    )
    return without_controls(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}"><style>{style_sheet()}</style>'
        '<rect class="paper" width="100%" height="100%" fill="#fff"/>'
        f'<text class="title" x="{PADDING}" y="{PADDING + 12}">{escape(title)}</text>{rows}{words}</svg>\n'
    )


def _row(bar: Bar, y: int, room: int) -> str:
    number = 0 if bar.strong else len(LIGHT) - 1
    assert len(LIGHT) == len(DARK)  # the style sheet has the colours for a dark background
    left, length = LEFT + PADDING, min(1.0, max(0.0, bar.value)) * room
    mark = left + min(1.0, bar.mark) * room
    return (
        f'<text x="{left - 8}" y="{y + 16}" text-anchor="end">{escape(bar.name)}</text>'
        f'<rect class="b{number}" x="{left}" y="{y + 4}" width="{length:.1f}" height="{ROW - 10}"'
        f' fill="{LIGHT[number]}"/>'
        f'<line class="axis" x1="{mark:.1f}" x2="{mark:.1f}" y1="{y + 1}" y2="{y + ROW - 3}"'
        ' stroke="#000" stroke-width="2" stroke-dasharray="3 2"/>'
        f'<text x="{left + room + 8}" y="{y + 16}">{100 * bar.value:.0f} %</text>'
    )
