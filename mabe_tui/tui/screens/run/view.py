"""View settings of runs (axis, smoothing, panel, position in each log), kept between sessions."""

from dataclasses import dataclass, field, replace
from typing import Any

from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.following.chart_cache import ChartOptions
from mabe_tui.runs.following.feed_update import FeedUpdate
from mabe_tui.runs.listing.cells import shown_state
from mabe_tui.runs.listing.view_state import ViewState
from mabe_tui.tui.actions import ACTING
from mabe_tui.tui.keys import KEYS

SCREEN = "run"
SMOOTHINGS = (0.0, 0.6, 0.9, 0.97)
MOST_LOGS = 50
"""Number of runs whose panels and log positions are kept."""

OF_FILES = frozenset(
    {key.action for key in KEYS[ACTING]} | {"replay", "compare", "checkpoints", "video", "examples"}
)
"""Actions that need the run's folder."""


@dataclass(frozen=True)
class RunView:
    """The settings changed by the keys of a run's screen."""

    axis: Axis = Axis.EPOCH
    log_y: bool = False
    smooth: float = 0.0
    panel: str = "loss"
    """See :func:`~mabe_tui.tui.widgets.panels.panel_of`."""
    lines: dict[str, int] = field(default_factory=dict)
    """Run → the line of its log, from 1, at which the view stays; runs without an entry follow the end."""

    @classmethod
    def read(cls, state: ViewState, run: str) -> "RunView":
        """Return the settings saved for a run, with defaults in place of invalid ones."""
        kept = state.screen(SCREEN)
        lines, panel = kept.get("lines"), _panels(kept).get(run)
        return cls(
            axis=Axis(kept["axis"]) if kept.get("axis") in [*Axis] else Axis.EPOCH,
            log_y=kept.get("log_y") is True,
            smooth=kept["smooth"] if kept.get("smooth") in SMOOTHINGS else 0.0,
            panel=panel if isinstance(panel, str) else "loss",
            lines={run: line for run, line in lines.items() if isinstance(line, int)}
            if isinstance(lines, dict)
            else {},
        )

    def keep(self, state: ViewState, run: str) -> None:
        """Save the settings.

        Raises:
            UserError: the state folder cannot be written.
        """
        panels = {name: key for name, key in _panels(state.screen(SCREEN)).items() if name != run}
        values: dict[str, Any] = {
            "axis": self.axis.value,
            "log_y": self.log_y,
            "smooth": self.smooth,
            "panels": dict([*panels.items(), (run, self.panel)][-MOST_LOGS:]),
            "lines": self.lines,
        }
        state.keep(SCREEN, **values)

    def drawn(self, has_price: bool, scales: frozenset[str] = frozenset()) -> ChartOptions:
        """Return the curve settings; without a price, time replaces dollars.

        Args:
            has_price: whether the run's price is known.
            scales: the charts for which a logarithmic axis is useful.
        """
        unpaid = self.axis is Axis.DOLLARS and not has_price
        log = scales if self.log_y else frozenset()
        return ChartOptions(Axis.TIME if unpaid else self.axis, self.smooth, log)

    def next_axis(self, has_price: bool) -> "RunView":
        """Switch to the next axis; dollars only if there is a price."""
        axes = [axis for axis in Axis if has_price or axis is not Axis.DOLLARS]
        at = axes.index(self.axis) if self.axis in axes else -1
        return replace(self, axis=axes[(at + 1) % len(axes)])

    def next_smoothing(self) -> "RunView":
        """Increase smoothing, or turn it off after the most."""
        at = SMOOTHINGS.index(self.smooth)
        return replace(self, smooth=SMOOTHINGS[(at + 1) % len(SMOOTHINGS)])

    def staying_at(self, run: str, line: int | None) -> "RunView":
        """Stay at a line of a run's log, or follow its end."""
        lines = {name: at for name, at in self.lines.items() if name != run}
        if line is not None:
            lines[run] = line
        return replace(self, lines=dict([*lines.items()][-MOST_LOGS:]))

    def words(self, has_price: bool) -> str:
        """Return the settings in words: ``epoch · log y · ema 0.6``."""
        parts = [self.drawn(has_price).axis.value]
        parts += ["log y"] if self.log_y else []
        parts += [f"ema {self.smooth:g}"] if self.smooth else []
        return " · ".join(parts)


def _panels(kept: dict[str, Any]) -> dict[str, str]:
    """Return the last shown panel of each run."""
    panels = kept.get("panels")
    return panels if isinstance(panels, dict) else {}


def state_word(look: FeedUpdate) -> str:
    """Return how the heading refers to a run."""
    if look.is_gone:
        return "gone"
    return "replay" if look.replay is not None else shown_state(look.summary)
