"""Colours of a video: classes and mice share the theme's, and none is used for both."""

from rich.style import Style

from mabe_tui.plotting.ethogram import BACKGROUND
from mabe_tui.tui.themes import CurveStyles


def class_style(colours: CurveStyles, index: int) -> Style:
    """Return the colour of a class; the background is faint."""
    return Style(dim=True) if index == BACKGROUND else colours.of(index - 1)


def mouse_style(colours: CurveStyles, mouse: int, classes: int) -> Style:
    """Return the colour of a mouse, from those that ``classes`` classes leave."""
    return colours.of(classes - 1 + mouse)
