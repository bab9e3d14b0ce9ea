"""What a curve is drawn over. Apart from the curves, so that a command's help needs no numpy."""

import enum


class Axis(enum.StrEnum):
    """What x is."""

    EPOCH = "epoch"
    """Completed epochs, with the share of the one under way."""
    STEP = "step"
    """Optimiser steps over all attempts."""
    TIME = "time"
    """Seconds of all attempts, superseded work included, without the time between two."""
    DOLLARS = "dollars"
    """The same at the run's price."""
