"""Charts and reports as files in the folder one is in; none is ever written over another."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from core.errors import RunError
from core.files import write_bytes_atomically
from mabe_tui.plotting.panel import Panel
from mabe_tui.plotting.svg import svg_document


def write_charts(panels: Sequence[Panel], name: str, folder: Path) -> Path:
    """Write charts, one above another, to an SVG file.

    Args:
        panels: those without series are left out.
        name: what the file is called, without its ending.
        folder: where.

    Returns:
        The file: ``name.svg``, or ``name-2.svg`` and so on where that is there.

    Raises:
        RunError: there is nothing to draw.
        UserError: the folder cannot be written.
    """
    drawn = [panel for panel in panels if panel.series]
    if not drawn:
        raise RunError("nothing to draw yet")
    path = free_path(folder, name, ".svg")
    write_bytes_atomically(path, svg_document(drawn).encode())
    return path


def free_path(folder: Path, name: str, suffix: str) -> Path:
    """Give a path in a folder at which nothing is yet."""
    paths = (folder / f"{name}{'' if n == 1 else f'-{n}'}{suffix}" for n in itertools.count(1))
    return next(path for path in paths if not path.exists())
