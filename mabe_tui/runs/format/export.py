"""Export charts and reports as files in the current folder, never overwriting one."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from core.errors import RunError, UserError
from core.system.files import write_bytes_atomically
from mabe_tui.plotting.panel import Panel
from mabe_tui.plotting.svg import svg_document


def write_charts(panels: Sequence[Panel], name: str, folder: Path) -> Path:
    """Write charts, one above another, to an SVG file.

    Args:
        panels: the charts; those without series are left out.
        name: file name without its suffix.
        folder: target folder.

    Returns:
        The file: ``name.svg``, or ``name-2.svg`` and so on if that exists.

    Raises:
        RunError: there is nothing to draw.
        UserError: the folder cannot be written.
    """
    drawn = [panel for panel in panels if panel.series]
    if not drawn:
        raise RunError("nothing to draw")
    return write_new(folder, name, ".svg", svg_document(drawn).encode())


def write_new(folder: Path, name: str, suffix: str, content: bytes) -> Path:
    """Write a file under the first free name: ``name.svg``, ``name-2.svg`` and so on; return its path.

    Two concurrent processes get different names.

    Raises:
        UserError: the folder cannot be written.
    """
    paths = (folder / f"{name}{'' if n == 1 else f'-{n}'}{suffix}" for n in itertools.count(1))
    path = next(path for path in paths if _claimed(path))
    try:
        write_bytes_atomically(path, content)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _claimed(path: Path) -> bool:
    """Create an empty file unless it exists; return whether it was created."""
    try:
        path.open("x").close()
    except FileExistsError:
        return False
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from error
    return True
