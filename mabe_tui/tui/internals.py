"""Parts of the dashboard that rest on private parts of Textual, made only where those exist.

They were written for Textual 8.2, and make the dashboard faster: less is painted and written. Where a newer
Textual is made otherwise, it paints and writes in its own way, slower and not broken: what cannot be
imported is not used, and what fails at its first use is not used again.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual._compositor import Compositor

    from mabe_tui.tui.cell_diff import TerminalCells


def terminal_cells() -> "TerminalCells | None":
    """Return what writes only the cells that differ; ``None`` if Textual's updates are not known."""
    try:
        from mabe_tui.tui.cell_diff import TerminalCells
    except ImportError:
        return None
    return TerminalCells()


def compositor_for(usual: "Compositor") -> Any:
    """Return the compositor for a screen: one that paints less, or Textual's own.

    Args:
        usual: the one that Textual made.
    """
    try:
        from mabe_tui.tui.compositor import LeanCompositor
    except ImportError:
        return usual
    return LeanCompositor()
