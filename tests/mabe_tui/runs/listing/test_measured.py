"""The result of a version or run, whether or not validation lacks a class."""

import pytest

from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.listing.cells import spell_measured, spell_score
from mabe_tui.runs.listing.measured import delta, is_gain, measured_run, score_delta
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.summary.run_summary import RunSummary


def run(primary: float, present: float | None = None) -> RunRecord:
    """A finished run; ``present`` is the mean over the classes that validation has."""
    best = {"f1_macro": primary, "support/other": 9.0, "support/social": 3.0}
    leading = "f1_macro"
    if present is not None:
        leading = "f1_macro_present"
        best |= {"f1_macro_present": present, "support/social": 0.0}
    summary = RunSummary(
        id=f"v6-{primary}", version="v6", state=RunState.FINISHED, metric=leading,
        best_score=best[leading], labels_absent=present is not None,
    )  # fmt: skip
    return RunRecord(summary=summary, best=best, scored_on="same")


def test_the_mean_over_the_classes_present_is_the_score_and_marked() -> None:
    measured = measured_run(run(0.47, present=0.94))
    assert (measured.metric, measured.score, measured.primary) == ("f1_macro_present", 0.94, 0.47)
    assert measured.at_most == 0.5
    assert spell_measured(measured, None, "f1_macro") == "0.9400^"
    assert spell_score(0.94, labels_absent=True) == "0.9400^"


def test_where_all_classes_are_there_the_primary_metric_is_the_score() -> None:
    measured = measured_run(run(0.47))
    assert (measured.metric, measured.score, measured.primary) == ("f1_macro", 0.47, 0.47)
    assert spell_measured(measured, False, "f1_macro") == "0.4700*"
    assert spell_score(None, labels_absent=False) is None


def test_a_difference_is_one_of_the_metric_that_leads_on_both_sides() -> None:
    one, baseline = measured_run(run(0.47, present=0.94)), measured_run(run(0.45, present=0.9))
    assert score_delta(one, baseline) == pytest.approx(0.04)
    assert delta(one, baseline) == pytest.approx(0.02)
    older = measured_run(run(0.4))  # it did not count the examples of each class
    assert score_delta(one, older) == delta(one, older) == pytest.approx(0.07)


def test_less_of_a_metric_that_falls_is_a_gain() -> None:
    assert is_gain(-0.1, rises=False)
    assert is_gain(0.1, rises=True)
    assert not is_gain(0.0, rises=False)
