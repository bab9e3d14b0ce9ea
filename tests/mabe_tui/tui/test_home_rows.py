"""The cells of a live run on the home screen."""

import pytest

from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.summary.run_summary import RunSummary
from mabe_tui.tui.screens.home.rows import RUNS, run_row
from mabe_tui.tui.widgets.columns import TableRow


def row(**facts: object) -> TableRow:
    summary = RunSummary(id="v6-x", version="v6", **facts)  # type: ignore[arg-type]
    record = RunRecord(summary=summary)
    return run_row(record, {}, name="v6-x", baseline=None, pinned=(), marked=())


def cell(shown: TableRow, key: str) -> str:
    return shown.cells[[column.key for column in RUNS].index(key)]


@pytest.mark.parametrize(
    ("epoch", "fraction", "expected"),
    [(0, 0.0, "······ 0/3"), (1, 0.5, "━━━··· 1/3"), (3, 0.0, "━━━━━━ 3/3")],
)
def test_progress_counts_the_epoch_under_way(epoch: int, fraction: float, expected: str) -> None:
    alive = row(state=RunState.RUNNING, epoch=epoch, epochs=3, epoch_fraction=fraction)
    assert cell(alive, "epoch") == expected


def test_a_run_that_is_over_has_no_bar_and_what_it_cost() -> None:
    over = row(state=RunState.FINISHED, epoch=3, epochs=3, cost_usd=0.5)
    assert (cell(over, "epoch"), cell(over, "cost_usd")) == ("3/3", "$0.50")


def test_a_run_tells_what_it_will_have_cost() -> None:
    assert cell(row(state=RunState.RUNNING, cost_usd=0.5, cost_at_end_usd=2.345), "cost_usd") == (
        "$0.50→2.35"
    )


def test_silence_is_marked_in_place_of_the_state() -> None:
    silent = row(state=RunState.RUNNING, stalled_seconds=90.0)
    at = [column.key for column in RUNS].index("state")
    assert (silent.cells[at], silent.styles[at]) == ("stalled", "warning")
    assert cell(silent, "remarks") == "silent for 1m 30s"


def test_an_imported_run_says_so_beside_the_figures_that_it_claims() -> None:
    claimed = row(state=RunState.FINISHED, imported=True, best_metric=0.4389)
    assert (cell(claimed, "state"), cell(claimed, "best_score")) == ("imported", "0.4389")
