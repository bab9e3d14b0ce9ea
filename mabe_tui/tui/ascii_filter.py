"""``--ascii``: whatever a widget draws reaches the terminal in characters that every terminal has."""

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

LIKENESSES = str.maketrans(
    {
        "◆": "=", "●": "*", "▲": "^", "▼": "v", "★": "*", "✓": "+", "✗": "x", "×": "x", "·": ".",
        "–": "-", "—": "-", "−": "-", "…": "~", "→": ">", "←": "<", "↑": "^", "↓": "v", "Δ": "d",
        "⏎": "<", "’": "'", "“": '"', "”": '"', "│": "|", "─": "-", "━": "=", "█": "#", "≤": "<",
        "≥": ">", "•": "*", "▶": ">", "‖": "=", "σ": "s", "²": "2", "\N{NO-BREAK SPACE}": " ",
        **dict.fromkeys("▁▂▃", "_"), **dict.fromkeys("▄▅▆▇▌▐▍▎▊▋▉", "#"),
    }
)  # fmt: skip
"""One character for one: nothing moves."""


class AsciiFilter(LineFilter):
    """Puts a likeness in place of every character outside ASCII, ``?`` where there is none."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments of a line, as wide as before."""
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
