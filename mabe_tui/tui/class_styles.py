"""Colours of classes and mice in a video: taken from the theme, none used for both."""

from rich.style import Style

from mabe_tui.plotting.ethogram import BACKGROUND
from mabe_tui.tui.themes import CurveStyles


def class_style(colours: CurveStyles, index: int) -> Style:
    """Return the colour of a class, or its faint variant for the background class."""
    return Style(dim=True) if index == BACKGROUND else colours.of(index - 1)


def mouse_style(colours: CurveStyles, mouse: int, classes: int) -> Style:
    """Return the colour of a mouse, chosen from those not taken by ``classes`` classes."""
    return colours.of(classes - 1 + mouse)
