"""How it shows that a private part of Textual is not what it was: see :mod:`mabe_tui.tui.internals`."""

MADE_OTHERWISE = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""The errors of the first use."""
