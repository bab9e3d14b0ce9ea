"""The x axis of a curve. Separate from the curves, so that a command's help does not import numpy."""

import enum


class Axis(enum.StrEnum):
    """The quantity on the x axis."""

    EPOCH = "epoch"
    """Completed epochs, plus the completed share of the current one."""
    STEP = "step"
    """Optimiser steps over all attempts."""
    TIME = "time"
    """Seconds of all attempts, superseded work included, without the time between attempts."""
    DOLLARS = "dollars"
    """The same seconds, at the run's price."""
