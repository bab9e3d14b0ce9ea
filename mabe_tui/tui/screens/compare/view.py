"""How a person looks at comparisons: metric, axis, smoothing, pane. Survives a crash."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar, get_args

from mabe_tui.plotting.matrix import CellContent
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.listing.view_state import ViewState

Value = TypeVar("Value")
SCREEN = "compare"
SMOOTHINGS = (0.0, 0.6, 0.9, 0.97)
CELLS: tuple[CellContent, ...] = get_args(CellContent)
PANES = (
    ("curves", "curves"),
    ("classes", "classes"),
    ("settings", "settings"),
    ("figures", "figures"),
    ("code", "code"),
)
"""Key and label of each pane."""


@dataclass(frozen=True)
class CompareView:
    """What the keys of the comparison have set."""

    metric: str | None = None
    """``None``: what the first side's training watches."""
    axis: Axis = Axis.EPOCH
    smooth: float = 0.0
    log_y: bool = False
    cells: CellContent = "both"
    listed: bool | None = None
    """Classes as lists, the worst first; ``None``: where they are many."""
    pane: str = PANES[0][0]

    @classmethod
    def read(cls, state: ViewState) -> "CompareView":
        """Return what was kept; what cannot be understood is as at first."""
        kept = state.screen(SCREEN)
        metric = kept.get("metric")
        allowed: dict[str, Sequence[Any]] = {
            "axis": [*Axis],
            "smooth": SMOOTHINGS,
            "log_y": (True, False),
            "cells": CELLS,
            "listed": (True, False),
        }
        known = {name: kept[name] for name, values in allowed.items() if kept.get(name) in values}
        if "axis" in known:
            known["axis"] = Axis(known["axis"])
        return cls(metric=metric if isinstance(metric, str) else None, **known)

    def keep(self, state: ViewState) -> None:
        """Keep it.

        Raises:
            UserError: the state folder cannot be written.
        """
        values = asdict(self)
        del values["pane"]  # a comparison opens at its curves
        state.keep(SCREEN, **values)

    def next_axis(self, axes: list[Axis]) -> "CompareView":
        """Take the next of the axes there are."""
        return replace(self, axis=_after(self.axis, axes))

    def next_smoothing(self) -> "CompareView":
        """Smooth more, or, after the most, not at all."""
        return replace(self, smooth=_after(self.smooth, SMOOTHINGS))

    def next_cells(self) -> "CompareView":
        """Show other numbers in the confusion matrices."""
        return replace(self, cells=_after(self.cells, CELLS))


def _after(value: Value, values: Sequence[Value]) -> Value:
    return values[(values.index(value) + 1) % len(values)] if value in values else values[0]
