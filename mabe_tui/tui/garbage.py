"""When Python looks for cyclic garbage: a look at everything is a wait that is felt."""

import gc

THRESHOLDS = (10_000, 10, 20)
"""With Python's own (700, 10, 10) all is looked through every second or two while a log is followed, which
takes 30 to 60 ms; with these hardly ever, and a look at what is new takes 2 ms."""


def look_seldom_for_garbage() -> None:
    """Call it once, when all is imported: imports are never garbage, and to look through them takes 0.1 s."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
