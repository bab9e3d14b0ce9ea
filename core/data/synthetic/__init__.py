"""Synthetic data in the competition's layout: simulated mice that act out the behaviours."""

from core.data.synthetic.generate import synthesise
from core.data.synthetic.like import like
from core.data.synthetic.settings import (
    REAL_SHARES,
    ClassShares,
    SyntheticSettings,
    SyntheticSummary,
)

__all__ = [
    "REAL_SHARES",
    "ClassShares",
    "SyntheticSettings",
    "SyntheticSummary",
    "like",
    "synthesise",
]
