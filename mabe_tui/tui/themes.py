"""Colour themes: dark, light, and one for red-green colour blindness.

Curves differ in line style as well as in colour, so that they can be read in any theme and without
colour.
"""

from rich.style import Style
from textual.theme import Theme

from mabe_tui.plotting.grid import ALERT, AXIS, CURSOR, HEAT, LATTICE, PLAIN

DARK = "mabe-dark"
LIGHT = "mabe-light"
COLOUR_BLIND = "mabe-colour-blind"

# Okabe & Ito (2008), "Color Universal Design", without black, ordered to keep neighbours distinct.
OKABE_ITO = ("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#CC79A7", "#D55E00", "#0072B2")
BRIGHT = ("#5fb3f6", "#f2a65a", "#7ad17a", "#e57ad0", "#f5d76e", "#8f9bff", "#58d6c9", "#f07178")
VIRIDIS = (
    "#482878", "#3e4a89", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b",
)  # fmt: skip
"""Shades of a heatmap, even in lightness, also for colour-blind people (van der Walt & Smith 2015)."""
DEEP = ("#1565c0", "#c75a00", "#2e7d32", "#ad1480", "#8a6d00", "#4338ca", "#00786d", "#b3261e")


def _curves(colours: tuple[str, ...], axis: str, alert: str, lattice: str) -> dict[str, str]:
    named = {f"curve-{number}": colour for number, colour in enumerate(colours)}
    return {**named, "curve-axis": axis, "curve-alert": alert, "curve-lattice": lattice}


THEMES = (
    Theme(
        DARK,
        primary="#5fb3f6",
        secondary="#8f9bff",
        accent="#f2a65a",
        warning="#f5d76e",
        error="#f07178",
        success="#7ad17a",
        background="#12161c",
        surface="#181d25",
        panel="#222935",
        variables=_curves(BRIGHT, "#6b7684", "#ff5c66", "#2b333f"),
    ),
    Theme(
        LIGHT,
        primary="#1565c0",
        secondary="#4338ca",
        accent="#c75a00",
        warning="#8a6d00",
        error="#b3261e",
        success="#2e7d32",
        background="#ffffff",
        surface="#f5f6f8",
        panel="#e6e9ee",
        dark=False,
        variables=_curves(DEEP, "#7b8592", "#c4001a", "#dfe3e8"),
    ),
    Theme(
        COLOUR_BLIND,
        primary="#56B4E9",
        secondary="#CC79A7",
        accent="#E69F00",
        warning="#F0E442",
        error="#D55E00",
        success="#56B4E9",
        background="#101418",
        surface="#161b21",
        panel="#20262e",
        variables=_curves(OKABE_ITO, "#7a838e", "#D55E00", "#2c343e"),
    ),
)


class CurveStyles:
    """Role of a character (:mod:`mabe_tui.plotting.grid`) → its style in a theme."""

    def __init__(self, variables: dict[str, str]) -> None:
        colours: list[str] = []
        while (colour := variables.get(f"curve-{len(colours)}")) is not None:
            colours.append(colour)
        self._series = [Style(color=colour) for colour in colours] or [Style()]
        axis = Style(color=variables.get("curve-axis"))
        alert = Style(color=variables.get("curve-alert"), bold=True, reverse=True)
        lattice = Style(color=variables.get("curve-lattice"))
        cursor = Style(bold=True)
        self._others = {
            role: Style(color=colour) for role, colour in zip(HEAT, VIRIDIS, strict=True)
        }
        self._others |= {PLAIN: Style(), AXIS: axis, CURSOR: cursor, ALERT: alert, LATTICE: lattice}

    def of(self, role: int) -> Style:
        """Return the style of a role; series cycle through the theme's colours."""
        if role < 0:
            return self._others.get(role, Style())
        return self._series[role % len(self._series)]
