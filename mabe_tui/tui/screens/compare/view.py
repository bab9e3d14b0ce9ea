"""View settings of comparisons (metric, axis, smoothing, pane), kept between sessions."""

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
    """The settings changed by the comparison's keys."""

    metric: str | None = None
    """The metric; ``None`` for the first side's monitored metric."""
    axis: Axis = Axis.EPOCH
    smooth: float = 0.0
    log_y: bool = False
    cells: CellContent = "both"
    listed: bool | None = None
    """Whether classes are listed, worst first; ``None`` to list them if there are many."""
    pane: str = PANES[0][0]

    @classmethod
    def read(cls, state: ViewState) -> "CompareView":
        """Return the saved settings, with defaults in place of invalid ones."""
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
        """Save the settings.

        Raises:
            UserError: the state folder cannot be written.
        """
        values = asdict(self)
        del values["pane"]  # a comparison always opens at its curves
        state.keep(SCREEN, **values)

    def next_axis(self, axes: list[Axis]) -> "CompareView":
        """Switch to the next available axis."""
        return replace(self, axis=_after(self.axis, axes))

    def next_smoothing(self) -> "CompareView":
        """Increase smoothing, or turn it off after the most."""
        return replace(self, smooth=_after(self.smooth, SMOOTHINGS))

    def next_cells(self) -> "CompareView":
        """Switch the numbers in the confusion matrices."""
        return replace(self, cells=_after(self.cells, CELLS))


def _after(value: Value, values: Sequence[Value]) -> Value:
    return values[(values.index(value) + 1) % len(values)] if value in values else values[0]
