"""What it has saved to end hopeless trials."""

from collections.abc import Iterable

import msgspec

from core.errors import UserError
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.studies.study import TrialResult
from mabe_tui.runs.summary.run_summary import RunSummary, summary_of


class Savings(msgspec.Struct, frozen=True, kw_only=True):
    """The time and money that the pruned trials of a study would have taken at their speed.

    It is what all of their epochs would have taken: early stopping might have ended some of them before.
    """

    trials: int
    """Pruned trials whose runs say how far they came."""
    epochs: int
    hours: float
    cost_usd: float | None
    """``None`` if no price is known."""

    @property
    def sentence(self) -> str:
        """The same in words."""
        money = "" if self.cost_usd is None else f" and ${self.cost_usd:.2f}"
        trials = f"{self.trials} hopeless trial{'s' if self.trials != 1 else ''}"
        return (
            f"{trials} ended early: {self.epochs} epochs not trained, which saved up to {self.hours:.2g} h"
            f"{money}"
        )


def savings_of(results: Iterable[TrialResult], store: RunStore) -> Savings | None:
    """Sum up what pruned trials did not take; ``None`` if there is nothing to sum up."""
    left = []
    for result in results:
        if result.outcome != "pruned" or result.run is None:
            continue
        try:
            left.append(summary_of(store.find(result.run)))
        except UserError:  # its folder is gone
            continue
    parts = [part for each in left if (part := _left_of(each)) is not None]
    if not parts:
        return None
    costs = [cost for _, _, cost in parts if cost is not None]
    return Savings(
        trials=len(parts),
        epochs=sum(epochs for epochs, _, _ in parts),
        hours=sum(hours for _, hours, _ in parts),
        cost_usd=sum(costs) if costs else None,
    )


def _left_of(run: RunSummary) -> tuple[int, float, float | None] | None:
    """Return the epochs that a run has not trained, and the hours and dollars that they would have taken."""
    if not run.epoch or run.epochs is None or run.elapsed_seconds is None:
        return None
    left = max(0, run.epochs - run.epoch)
    share = left / run.epoch
    cost = None if run.cost_usd is None else run.cost_usd * share
    return left, run.elapsed_seconds / 3600 * share, cost
