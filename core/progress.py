"""How long work tells how far it is, without knowing who shows it."""

from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""Called with (done, total, what); ``total`` is 0 where it is not known."""
