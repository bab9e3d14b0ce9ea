"""``--ascii``: replace every character outside ASCII before it reaches the terminal."""

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

LIKENESSES = str.maketrans(
    {
        "◆": "=", "●": "*", "▲": "^", "▼": "v", "★": "*", "✓": "+", "✗": "x", "×": "x", "·": ".",
        "–": "-", "—": "-", "−": "-", "…": "~", "→": ">", "←": "<", "↑": "^", "↓": "v", "Δ": "d",
        "⏎": "<", "’": "'", "“": '"', "”": '"', "│": "|", "─": "-", "━": "=", "█": "#", "≤": "<",
        "╍": "=", "┈": ".", "░": ".",
        "≥": ">", "•": "*", "▶": ">", "‖": "=", "σ": "s", "²": "2", "\N{NO-BREAK SPACE}": " ",
        **dict.fromkeys("▁▂▃", "_"), **dict.fromkeys("▄▅▆▇▌▐▍▎▊▋▉", "#"),
    }
)  # fmt: skip
"""Replacements are one character for one, so that the layout stays the same."""


class AsciiFilter(LineFilter):
    """Replace each character outside ASCII by a similar one, or by ``?`` if there is none."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments of a line at unchanged width."""
        del background
        return [
            segment if segment.text.isascii() else Segment(_in_ascii(segment.text), *segment[1:])
            for segment in segments
        ]


def _in_ascii(text: str) -> str:
    likeness = text.replace(" ± ", " +-").translate(LIKENESSES)
    if likeness.isascii():
        return likeness
    return "".join(c if c.isascii() else "?" * cell_len(c) for c in likeness)
