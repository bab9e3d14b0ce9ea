"""Print rows of characters with roles, in colour on a terminal and as plain text elsewhere."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mabe_tui.cli.terminal.streams import console
from mabe_tui.runs.format.untrusted_text import neutral

if TYPE_CHECKING:  # numpy, which most commands do not need
    from mabe_tui.plotting.grid import Row

COLOURS = ("cyan", "yellow", "magenta", "green", "bright_red", "bright_blue")
"""Terminal colours for the roles from 0 on, in turn."""
DIM = "bright_black"
ALERT = "bold red"


def plain_only() -> bool:
    """Return whether standard output accepts only ASCII."""
    return "utf" not in (sys.stdout.encoding or "").lower()


def print_rows(rows: "Sequence[Row]", colours: Sequence[int] | None = None) -> None:
    """Print a picture.

    Args:
        rows: the rows of a picture.
        colours: the colour number of each role; by default the role's own number.
    """
    if not sys.stdout.isatty():
        print("\n".join(row.text.rstrip() for row in rows))
        return
    from rich.text import Text

    terminal = console()
    for row in rows:
        parts = ((neutral(row.text[s.start : s.stop]), s.role) for s in row.segments)
        pieces = [(text, _style(role, colours)) for text, role in parts]
        terminal.print(Text.assemble(*pieces), soft_wrap=True)


def _style(role: int, colours: Sequence[int] | None) -> str:
    from mabe_tui.plotting import grid

    if role < 0:
        return {grid.AXIS: DIM, grid.CURSOR: DIM, grid.LATTICE: DIM, grid.ALERT: ALERT}.get(
            role, ""
        )
    return COLOURS[(role if colours is None else colours[role]) % len(COLOURS)]
