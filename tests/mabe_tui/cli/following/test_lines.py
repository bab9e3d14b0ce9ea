"""The one-line summary of a run's progress."""

import pytest

from mabe_tui.cli.following.lines import standing_line
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.summary.run_summary import RunSummary

SUMMARY = RunSummary(
    id="r", version="v6", state=RunState.RUNNING, epoch=2, epochs=100, epoch_step=12,
    epoch_steps=340, train_loss=0.25, frames_per_second=12_345.0,
    rate_unit="frames/s", eta_seconds=5000.0, cost_usd=0.4,
)  # fmt: skip
WHOLE = "epoch 3/100  step 12/340  train 0.2500  12.3k f/s  1h 23m left  $0.40"


@pytest.mark.parametrize(
    ("room", "line"),
    [
        (70, WHOLE),
        (len(WHOLE), WHOLE),
        (len(WHOLE) - 1, "epoch 3/100  step 12/340  train 0.2500  1h 23m left  $0.40"),
        (50, "epoch 3/100  step 12/340  1h 23m left  $0.40"),
        (10, "epoch 3/100  1h 23m left  $0.40"),
    ],
)
def test_it_gives_up_what_matters_least(room: int, line: str) -> None:
    assert standing_line(SUMMARY, room) == line


def test_between_two_epochs_the_completed_one_is_named() -> None:
    between = RunSummary(id="r", version="v6", state=RunState.RUNNING, epoch=2, epochs=8)
    assert standing_line(between, 60) == "epoch 2/8"
