"""Ethograms as SVG: a lane for each behaviour of each video, its bouts as bars over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from mabe_tui.plotting.svg import LETTER, LIGHT, style_sheet, without_controls
from mabe_tui.plotting.ticks import ticks

LANE, GAP, TOP, BOTTOM = 14, 10, 30, 34
"""Heights in pixels: of a lane, between two videos, above and below all."""
WIDTH = 960
LONGEST_NAME = 34
LEAST_BAR = 0.6
"""Pixels that even the shortest bout is wide."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One behaviour in one video."""

    name: str
    bars: Sequence[tuple[float, float]]
    """Start and stop of each bout, in seconds."""


@dataclass(frozen=True, slots=True)
class LaneGroup:
    """The lanes of one video."""

    name: str
    seconds: float
    """Duration of the video."""
    lanes: Sequence[Lane]


def svg_lanes(title: str, groups: Sequence[LaneGroup]) -> str:
    """Return a complete SVG file. Lanes of the same name have the same colour, and all have their name."""
    names = list(dict.fromkeys(lane.name for group in groups for lane in group.lanes))
    longest = max((group.seconds for group in groups), default=1.0) or 1.0
    widest = min(LONGEST_NAME, max((len(name) for name in names), default=0))
    left = 24 + LETTER * widest
    scale = (WIDTH - left - 16) / longest
    y, parts = float(TOP), []
    for group in groups:
        y += LANE + GAP
        parts.append(f'<text class="title" x="12" y="{y - 4:.0f}">{escape(group.name)}</text>')
        for lane in group.lanes:
            parts.append(
                _lane(lane, names.index(lane.name) % len(LIGHT), left, y, scale, group.seconds)
            )
            y += LANE
    height = y + BOTTOM
    parts.append(_axis(left, y + 6, longest, scale))
    return without_controls(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {WIDTH} {height:.0f}"'
        f' width="{WIDTH}" height="{height:.0f}"><style>{style_sheet()}</style>'
        '<rect class="paper" width="100%" height="100%" fill="#fff"/>'
        f'<text class="title" x="12" y="18">{escape(title)}</text>{"".join(parts)}</svg>\n'
    )


def _lane(lane: Lane, colour: int, left: float, y: float, scale: float, seconds: float) -> str:
    name = lane.name if len(lane.name) <= LONGEST_NAME else f"{lane.name[: LONGEST_NAME - 1]}…"
    bars = "".join(
        f'<rect class="b{colour}" fill="{LIGHT[colour]}" x="{left + start * scale:.1f}" y="{y + 2:.0f}"'
        f' width="{max((stop - start) * scale, LEAST_BAR):.1f}" height="{LANE - 4}"/>'
        for start, stop in lane.bars
    )
    end = left + seconds * scale
    return (
        f'<text x="{left - 8:.0f}" y="{y + LANE - 3:.0f}" text-anchor="end">{escape(name)}</text>'
        f'<line class="grid" stroke="#1b1f24" stroke-opacity="0.2" x1="{left:.0f}" x2="{end:.1f}"'
        f' y1="{y + LANE / 2:.0f}" y2="{y + LANE / 2:.0f}"/>{bars}'
    )


def _axis(left: float, y: float, longest: float, scale: float) -> str:
    found = ticks(0.0, longest, 10, "duration")
    marks = "".join(
        f'<line class="axis" stroke="#1b1f24" stroke-opacity="0.45" x1="{left + at * scale:.1f}"'
        f' x2="{left + at * scale:.1f}" y1="{y:.0f}" y2="{y + 4:.0f}"/>'
        f'<text x="{left + at * scale:.1f}" y="{y + 18:.0f}" text-anchor="middle">{escape(label)}</text>'
        for at, label in zip(found.positions, found.labels, strict=True)
    )
    end = left + longest * scale
    return (
        f'<line class="axis" stroke="#1b1f24" stroke-opacity="0.45" x1="{left:.0f}" x2="{end:.1f}"'
        f' y1="{y:.0f}" y2="{y:.0f}"/>{marks}'
    )
