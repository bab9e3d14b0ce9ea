"""Write only the cells that differ from what the terminal shows.

Textual (8.2.8) writes every line of a refreshed widget: a chart with one new point is sent whole.
:class:`TerminalCells` remembers what was written, as curses does, and sends the difference. After anything
that may have changed the terminal behind our back (a resize, another program, regained focus), call
:meth:`TerminalCells.forget`; the next update then writes every cell.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Size
from textual.strip import Strip

from mabe_tui.tui.made_otherwise import MADE_OTHERWISE

NARROW = frozenset(
    map(
        chr,
        [*range(0x20, 0x7F), *range(0xA1, 0xAD), *range(0x2500, 0x2600), *range(0x2800, 0x2900)],
    )
)
"""Characters known to be one cell wide: Latin, box drawing, blocks, Braille."""
NEAR = 3
"""Unchanged cells between two changes, up to which rewriting is cheaper than moving the cursor."""


class Look(NamedTuple):
    """A style as SGR parameters; empty for the terminal's default."""

    attributes: str = ""
    colour: str = ""
    background: str = ""
    link: str = ""


PLAIN = Look()
JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
"""Format characters that shape the text around them; control characters never reach the terminal."""
Cell = tuple[str, Look]
"""A character and its style. Wide characters are followed by cells with an empty string."""
UNKNOWN: Cell = ("unknown", PLAIN)
"""A cell unequal to any cell that is drawn."""


class TerminalCells:
    """The cells that the terminal currently shows, row by row."""

    def __init__(self) -> None:
        self._rows: dict[int, list[Cell]] = {}
        self._size = Size(0, 0)
        self.is_lean = True
        """Whether it writes less than Textual does: until that fails once."""

    def lean(self, renderable: Any) -> Any:
        """Return an update that writes only the cells that differ; anything else as it is."""
        if self.is_lean and isinstance(renderable, CompositorUpdate):
            return CellUpdate(self, renderable)
        return renderable

    def forget(self) -> None:
        """Forget what the terminal shows, so that the next update is written in full."""
        self._rows.clear()

    def update(self, renderable: CompositorUpdate, console: Console) -> str:
        """Return the text that brings the terminal up to date, and record it as written.

        Args:
            renderable: what Textual would write; anything other than a full or partial screen update is
                returned as Textual renders it.
            console: provides the colour system.
        """
        try:
            return self._difference(renderable, console)
        except MADE_OTHERWISE:
            self.is_lean = False
            return renderable.render_segments(console)

    def _difference(self, renderable: CompositorUpdate, console: Console) -> str:
        if isinstance(renderable, LayoutUpdate):
            # Output drawn for the old size after the terminal was resized may be anywhere.
            if renderable.region.size != self._size:
                self.forget()
            self._size = renderable.region.size
            parts = _parts_of_screen(renderable)
        elif isinstance(renderable, ChopsUpdate):
            parts = _changed_parts(renderable)
        else:
            self.forget()
            return renderable.render_segments(console)
        system = console._color_system or ColorSystem.TRUECOLOR
        writer = _Writer()
        for y, x, strips in parts:
            self._write(writer, y, x, [*_cells(strips, system)])
        return writer.finish()

    def _write(self, writer: "_Writer", y: int, x: int, cells: Sequence[Cell]) -> None:
        row = self._rows.setdefault(y, [])
        stop = x + len(cells)
        row.extend([UNKNOWN] * (stop - len(row)))
        for first, last in _differences(row[x:stop], cells):
            writer.write(y, x + first, cells[first:last])
        row[x:stop] = cells


class CellUpdate(CompositorUpdate):
    """A screen update reduced to the cells that differ from what the terminal shows."""

    def __init__(self, shown: TerminalCells, update: CompositorUpdate) -> None:
        self._shown, self._update = shown, update

    def render_segments(self, console: Console) -> str:
        """Return the sequences for the terminal, and record them as written."""
        return self._shown.update(self._update, console)


class _Writer:
    """Collects text, cursor movements and style changes, emitting each only if needed."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._look = PLAIN
        self._at: tuple[int, int] | None = None

    def write(self, y: int, x: int, cells: Iterable[Cell]) -> None:
        if self._at != (y, x):
            on = x - self._at[1] if self._at is not None and self._at[0] == y else 0
            self._parts.append(f"\x1b[{on}C" if on > 0 else f"\x1b[{y + 1};{x + 1}H")
        for character, look in cells:
            if look is not self._look and look != self._look:
                self._parts.append(_change(self._look, look))
                self._look = look
            self._parts.append(character)
            x += 1
        self._at = (y, x)

    def finish(self) -> str:
        if self._look != PLAIN:
            self._parts.append(_change(self._look, PLAIN))
        return "".join(self._parts)


def _parts_of_screen(update: LayoutUpdate) -> Iterator[tuple[int, int, Iterable[Strip]]]:
    for y, strips in enumerate(update.strips, update.region.y):
        yield y, update.region.x, strips


def _changed_parts(update: ChopsUpdate) -> Iterator[tuple[int, int, Iterable[Strip]]]:
    """Yield the pieces of each span; its neighbours may be covered by another widget."""
    for y, first, last in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            start, stop = max(first, x), min(last, end)
            if strip is not None and start < stop:
                whole = (start, stop) == (x, end)
                yield y, start, [strip if whole else strip.crop(start - x, stop - x)]


def _differences(before: Sequence[Cell], now: Sequence[Cell]) -> Iterator[tuple[int, int]]:
    """Yield the stretches to write, near ones merged; none begins or ends inside a wide character."""
    if before == now:
        return
    changed = [n for n, (old, new) in enumerate(zip(before, now, strict=True)) if old != new]
    breaks = [n for n, (one, next_) in enumerate(pairwise(changed), 1) if next_ - one > NEAR + 1]
    for begin, end in pairwise([0, *breaks, len(changed)]):
        first, last = changed[begin], changed[end - 1] + 1
        while first > 0 and now[first][0] == "":
            first -= 1
        while last < len(now) and now[last][0] == "":
            last += 1
        yield first, last


def _cells(strips: Iterable[Strip], system: ColorSystem) -> Iterator[Cell]:
    for strip in strips:
        for segment in strip:
            if not segment.control:
                yield from _cells_of(segment, system)


def _cells_of(segment: Segment, system: ColorSystem) -> list[Cell]:
    """Split a segment into cells; a segment with characters of a width other than 1 stays whole."""
    text = segment.text
    look = PLAIN if segment.style is None else _look(segment.style, system)
    if NARROW.issuperset(text) or all(cell_len(character) == 1 for character in text):
        return [(character, look) for character in text]
    whole = "".join(
        character for character in text if character.isprintable() or character in JOINERS
    )
    return [(whole, look), *[("", look)] * (segment.cell_length - 1)] if segment.cell_length else []


@lru_cache(4096)
def _look(style: Style, system: ColorSystem) -> Look:
    attributes = Strip.render_ansi(style.without_color, system)
    colour, background = style.color, style.bgcolor
    link = f"\x1b]8;id={style.link_id};{style.link}\x1b\\" if style.link else ""
    return Look(
        attributes,
        ";".join(colour.downgrade(system).get_ansi_codes()) if colour else "",
        ";".join(background.downgrade(system).get_ansi_codes(foreground=False))
        if background
        else "",
        link,
    )


@lru_cache(16_384)
def _change(before: Look, now: Look) -> str:
    """Return the SGR sequence that changes one style into another."""
    link = "" if before.link == now.link else now.link or "\x1b]8;;\x1b\\"
    if before[:3] == now[:3]:
        return link
    if before.attributes != now.attributes:
        codes = ["0" if any(before[:3]) else "", now.attributes, now.colour, now.background]
    else:
        codes = [
            (now.colour or "39") if before.colour != now.colour else "",
            (now.background or "49") if before.background != now.background else "",
        ]
    return f"{link}\x1b[{';'.join(filter(None, codes))}m"
