"""An SVG of a terminal that looks the same everywhere.

Braille and blocks become shapes, for a font may have none, or of another width. Words between blanks are
placed one by one, for some viewers drop leading blanks and know no ``textLength``. Fonts from elsewhere are
left out.
"""

import html
import re
from collections.abc import Iterator

from rich.cells import cell_len

COLUMN, LINE = 12.2, 24.4
"""Of a cell of Rich's terminal, in the picture's units."""
BASELINE = 18.5
"""From the top of a cell down to the baseline of its text."""
SIDE = 3.6
"""Of the square that stands for a dot."""
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
TEXT = re.compile(
    r'<text class="(?P<style>[^"]*)" x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)" textLength="[\d.]+" '
    r'clip-path="(?P<clip>[^"]*)">(?P<content>[^<]*)</text>'
)
SHAPES = "\u2580-\u2590\u2800-\u28ff"
PIECE = re.compile(f"[{SHAPES}]+|[^\\s{SHAPES}]+(?:[ \u00a0][^\\s{SHAPES}]+)*")
"""A run of shapes, or words with single blanks between them."""
BLOCKS = {
    "▀": (0.0, 0.0, 1.0, 0.5),
    "▐": (0.5, 0.0, 0.5, 1.0),
    **{chr(0x2580 + n): (0.0, 1 - n / 8, 1.0, n / 8) for n in range(1, 9)},
    **{chr(0x2590 - n): (0.0, 0.0, n / 8, 1.0) for n in range(1, 8)},
}
"""Left, top, width and height of what a character fills, in cells."""
OVERLAP = 0.2
"""What hides the seam between neighbours."""
DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""The column and row of each of a character's bits."""


def portable(svg: str) -> str:
    """Return a picture that needs no font with braille and nothing from elsewhere.

    Args:
        svg: what Textual's ``export_screenshot`` returns.
    """
    return TEXT.sub(lambda found: "".join(_pieces(found)), FONTS.sub("", svg))


def _pieces(found: re.Match[str]) -> Iterator[str]:
    content = html.unescape(found["content"])
    for piece in PIECE.finditer(content):
        x = float(found["x"]) + COLUMN * cell_len(content[: piece.start()])
        y, words = float(found["y"]), piece.group()
        style = f'class="{found["style"]}" clip-path="{found["clip"]}"'
        if re.match(f"[{SHAPES}]", words):
            yield f'<path {style} d="{_outline(words, x, y - BASELINE)}"/>'
        else:
            place = f'x="{x:g}" y="{y:g}" textLength="{COLUMN * cell_len(words):g}"'
            yield f"<text {style} {place}>{html.escape(words, quote=False)}</text>"


def _outline(shapes: str, left: float, top: float) -> str:
    """Return the path of all shapes, from the left upper corner of the first character's cell."""
    return "".join(
        f"M{left + COLUMN * place + x:.1f} {top + y:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}z"
        for place, character in enumerate(shapes)
        for x, y, width, height in _rectangles(character)
    )


def _rectangles(character: str) -> list[tuple[float, float, float, float]]:
    """Return left, top, width and height of what a character draws in its cell."""
    if character in BLOCKS:
        x, y, width, height = BLOCKS[character]
        return [(x * COLUMN, y * LINE, width * COLUMN + OVERLAP, height * LINE + OVERLAP)]
    return [
        (COLUMN * (column + 0.5) / 2 - SIDE / 2, LINE * (row + 0.5) / 4 - SIDE / 2, SIDE, SIDE)
        for bit, (column, row) in enumerate(DOTS)
        if (ord(character) & 0xFF) >> bit & 1
    ]
