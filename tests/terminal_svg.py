"""Convert a terminal's SVG so that it looks the same everywhere.

Braille and block characters become shapes, because fonts may lack them or have them in another width.
Words are positioned one by one, because some viewers drop leading blanks and ignore ``textLength``. Remote
fonts are removed.
"""

import html
import re
from collections.abc import Iterator

from rich.cells import cell_len

COLUMN, LINE = 12.2, 24.4
"""Size of a cell of Rich's terminal, in the picture's units."""
BASELINE = 18.5
"""Distance from the top of a cell to the baseline of its text."""
SIDE = 3.6
"""Side of the square that represents a dot."""
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
TEXT = re.compile(
    r'<text class="(?P<style>[^"]*)" x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)" textLength="[\d.]+" '
    r'clip-path="(?P<clip>[^"]*)">(?P<content>[^<]*)</text>'
)
SHAPES = "\u2580-\u2590\u2800-\u28ff"
PIECE = re.compile(f"[{SHAPES}]+|[^\\s{SHAPES}]+(?:[ \u00a0][^\\s{SHAPES}]+)*")
"""A run of shapes, or of words with single blanks between them."""
BLOCKS = {
    "▀": (0.0, 0.0, 1.0, 0.5),
    "▐": (0.5, 0.0, 0.5, 1.0),
    **{chr(0x2580 + n): (0.0, 1 - n / 8, 1.0, n / 8) for n in range(1, 9)},
    **{chr(0x2590 - n): (0.0, 0.0, n / 8, 1.0) for n in range(1, 8)},
}
"""Left, top, width and height of the area that a character fills, in cells."""
OVERLAP = 0.2
"""Overlap that hides the seam between neighbours."""
DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""Column and row of each of a character's bits."""


def portable(svg: str) -> str:
    """Return a picture that needs neither a font with braille nor remote resources.

    Args:
        svg: the result of Textual's ``export_screenshot``.
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
    """Return the path of all shapes, relative to the upper left corner of the first character's cell."""
    return "".join(
        f"M{left + COLUMN * place + x:.1f} {top + y:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}z"
        for place, character in enumerate(shapes)
        for x, y, width, height in _rectangles(character)
    )


def _rectangles(character: str) -> list[tuple[float, float, float, float]]:
    """Return left, top, width and height of each shape of a character in its cell."""
    if character in BLOCKS:
        x, y, width, height = BLOCKS[character]
        return [(x * COLUMN, y * LINE, width * COLUMN + OVERLAP, height * LINE + OVERLAP)]
    return [
        (COLUMN * (column + 0.5) / 2 - SIDE / 2, LINE * (row + 0.5) / 4 - SIDE / 2, SIDE, SIDE)
        for bit, (column, row) in enumerate(DOTS)
        if (ord(character) & 0xFF) >> bit & 1
    ]
