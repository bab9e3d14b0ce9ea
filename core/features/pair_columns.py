"""How many numbers :mod:`core.features.pair_view` gives a frame. Imports no torch, for ``mabe list``."""

from core.data.keypoints import SLOTS_18

HALF_LAGS = (1, 3, 8)
"""Speeds and turns are measured from this many frames before to as many after: over 67, 200 and 533 ms at 30
frames per second."""
POINTS = len(SLOTS_18)
MOTION = 4 * len(HALF_LAGS)
TURNS = 2 * len(HALF_LAGS)
SELF_FEATURES = 3 * POINTS + MOTION + TURNS + 2
"""Columns that describe the agent alone; they come first."""
PAIR_FEATURES = 3 * POINTS + MOTION + TURNS + 3 + 7
"""Columns that describe the target and the pair."""
FEATURES = SELF_FEATURES + PAIR_FEATURES
