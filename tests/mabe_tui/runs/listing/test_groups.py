"""Runs put together by the value of a key."""

import math

from mabe_tui.runs.listing.fields import Fields, Row
from mabe_tui.runs.listing.groups import group_cells, grouped, query_for
from mabe_tui.runs.listing.query import parse

ROWS: list[Row] = [
    {"id": "a", "metric": "m", "best_score": 0.5, "lr": 0.1, "seed": 1, "cost_usd": 1.0, "tags": ("x",)},
    {"id": "b", "metric": "m", "best_score": 0.7, "lr": 0.1, "seed": 2, "cost_usd": 2.5, "tags": ()},
    {"id": "c", "metric": "m", "best_score": 0.6, "lr": 0.01, "seed": 1, "tags": ("x",)},
    {"id": "d", "metric": "m", "best_score": math.nan, "lr": None, "seed": 1, "tags": ()},
]  # fmt: skip


def test_groups_are_ordered_by_value_and_the_missing_come_last() -> None:
    small, large, missing = grouped(ROWS, "lr")
    assert (large.runs, large.seeds, large.cost_usd) == (("a", "b"), 2, 3.5)
    assert math.isclose(large.score or 0, 0.6)
    assert math.isclose(large.score_std or 0, 0.02**0.5)
    assert (large.best, large.best_run) == (0.7, "b")
    assert (small.score, small.score_std, small.cost_usd) == (0.6, None, None)
    assert (missing.value, missing.score, missing.scored) == (None, None, 0)
    assert group_cells(missing)[:3] == ["–", "1", None]


def test_a_metric_that_falls_is_best_where_it_is_lowest() -> None:
    (one,) = grouped([{**row, "metric_rises": False} for row in ROWS[:3]], "metric")
    assert (one.best, one.best_run) == (0.5, "a")


def test_runs_of_several_metrics_have_no_mean() -> None:
    (one,) = grouped([ROWS[0] | {"k": 1}, ROWS[1] | {"metric": "other", "k": 1}], "k")
    assert (one.metric, one.score, one.best) == (None, None, None)


def test_nothing_gives_no_group() -> None:
    assert grouped([], "lr") == []


def test_a_groups_filter_passes_its_runs_alone() -> None:
    fields = Fields(ROWS)
    for key in ("lr", "id", "tags", "metric"):
        for group in grouped(ROWS, key):
            own = [row for row in ROWS if row["id"] in group.runs]
            passed = parse(query_for(key, own), fields).filter(ROWS)
            assert [row["id"] for row in passed] == [row["id"] for row in own], (key, group.value)
