"""Rows of runs: keys, names and order."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from core.run.events import Stopped
from core.tasks.behaviour.settings import BehaviourExperiment, BehaviourTrainingConfig
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.fields import (
    Fields,
    UnknownFieldError,
    largest_first,
    sort_rows,
)
from mabe_tui.runs.listing.measured import measured_version
from mabe_tui.runs.listing.row_cache import RowCache
from mabe_tui.runs.listing.table import arranged
from mabe_tui.runs.listing.view_state import SavedView
from mabe_tui.runs.store import RunStore
from tests.mabe_tui.recorded import record

V5 = BehaviourExperiment(name="v5", training=BehaviourTrainingConfig(batch_size=64))
V6 = BehaviourExperiment(name="v6", training=BehaviourTrainingConfig(batch_size=384))


def test_a_row_has_summary_metrics_and_settings(home: Path) -> None:
    record(home, V6, (0.1, 0.3, 0.2), tags=("sweep",), seed=7)
    (row,) = RowCache().rows(Catalog(RunStore(home)).records())
    assert (row["f1_macro"], row["best.f1_macro"]) == (0.2, 0.3)
    assert 0.1 < float(str(row["smoothed.f1_macro"])) < 0.3
    assert (row["training.batch_size"], row["seed"], row["state"]) == (384, 7, "finished")
    assert (row["tags"], row["features.inputs"]) == (("sweep",), ("coordinates",))
    assert (row["gpu"], row["trial"]) == (None, False)
    assert Fields([row]).resolve("best.f1/social") == "best.f1/social"


def test_runs_that_differ_in_their_seed_are_one_group(home: Path) -> None:
    record(home, V6, seed=1)
    record(home, V6, seed=2)
    record(home, V5, seed=1)
    record(home, V6, seed=3, videos=("z",))
    groups = [row["group"] for row in RowCache().rows(Catalog(RunStore(home)).records())]
    assert groups[2] == groups[3]
    assert len(set(groups)) == 3


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("f1", "f1_macro"),
        ("smoothed.f1", "smoothed.f1_macro"),
        ("batch_size", "training.batch_size"),
        ("hidden_size", "model.hidden_size"),
        ("learning_rate", "learning_rate"),
        ("model", "model.name"),
        ("tag", "tags"),
    ],
)
def test_names_that_people_type(name: str, key: str) -> None:
    assert Fields().resolve(name) == key


def test_unknown_and_ambiguous_names() -> None:
    with pytest.raises(UnknownFieldError, match=r"did you mean 'training.batch_size'"):
        Fields().resolve("training.batchsize")
    with pytest.raises(UnknownFieldError, match=r"'name' could be any of model.name, other.name"):
        Fields([{"other.name": "x"}]).resolve("name")
    with pytest.raises(UnknownFieldError, match="--columns help"):
        Fields().resolve("zzzzzzzz")


def test_texts_sort_naturally_and_numbers_by_size() -> None:
    rows = [{"version": v} for v in ("v10", "v9", None, "V1")]
    assert [row["version"] for row in sort_rows(rows, "version")] == ["V1", "v9", "v10", None]


@given(st.lists(st.floats() | st.none()), st.booleans())
def test_missing_values_come_last_and_ties_keep_their_order(
    values: list[float | None], descending: bool
) -> None:
    rows = [{"f1_macro": value, "epoch": at} for at, value in enumerate(values)]
    done = sort_rows(rows, "f1_macro", descending)
    known = [r for r in rows if r["f1_macro"] is not None and not math.isnan(r["f1_macro"])]
    sign = -1 if descending else 1
    expected = sorted(known, key=lambda row: sign * float(row["f1_macro"] or 0))
    assert done[: len(known)] == expected
    assert [row["epoch"] for row in done[len(known) :]] == [
        row["epoch"] for row in rows if row not in known
    ]


def test_columns_start_with_what_matters() -> None:
    assert largest_first([{"f1_macro": 0.1}], "f1_macro")
    assert not largest_first([{"smoothed.loss": 0.1}], "smoothed.loss")
    assert not largest_first([{"version": "v1"}], "version")


def test_arranged_by_a_view(home: Path) -> None:
    best = record(home, V6, (0.2, 0.5))
    record(home, V5, (0.2, 0.4))
    worst = record(home, V6, (0.1,), ending=Stopped, seed=2)
    record(home, V6, (0.9,), videos=("other",))
    records = Catalog(RunStore(home)).records()
    view = SavedView(query="version == v6 and f1 < .8", sort="best.f1", columns=("run", "delta"))
    table = arranged(records, view, baseline=measured_version("v5", records), pinned=(worst.id,))
    assert [row["id"] for row in table.rows] == [best.id, worst.id]
    assert [row["pinned"] for row in table.rows] == [False, True]
    assert [row["delta"] for row in table.rows] == pytest.approx([0.1, -0.3])
    assert (table.columns, table.sort, table.descending) == (("id", "delta"), "best.f1_macro", True)


def test_runs_scored_on_other_videos_have_no_delta(home: Path) -> None:
    record(home, V5)
    record(home, V6, videos=("other",))
    records = Catalog(RunStore(home)).records()
    table = arranged(records, SavedView(), baseline=measured_version("v5", records))
    assert [row["delta"] for row in table.rows] == [None, 0.0]


@pytest.mark.parametrize(
    ("source", "delta"), [("a", 0.0), ("b", None), (None, 0.0)], ids=["same", "other", "unknown"]
)
def test_delta_is_of_videos_with_the_same_content(
    source: str | None, delta: float | None, home: Path
) -> None:
    record(home, V5, source="a")
    record(home, V6, source=source)
    records = Catalog(RunStore(home)).records()
    table = arranged(records, SavedView(), baseline=measured_version("v5", records))
    assert [row["delta"] for row in table.rows] == [delta, 0.0]


def test_a_view_that_cannot_be_shown_says_where() -> None:
    with pytest.raises(UserError, match="sort: no field 'f2'"):
        arranged([], SavedView(sort="f2"))
    with pytest.raises(UserError, match="f2 > 1: column 1: no field 'f2'"):
        arranged([], SavedView(query="f2 > 1"))


def test_a_row_is_made_again_only_where_something_of_it_changed(home: Path) -> None:
    record(home, V5)
    pinned = record(home, V6)
    records, cache = Catalog(RunStore(home)).records(), RowCache()
    before = cache.rows(records)
    assert all(a is b for a, b in zip(before, cache.rows([*records]), strict=True))
    after = cache.rows(records, pinned=(pinned.id,))
    assert [a is b for a, b in zip(before, after, strict=True)] == [False, True]
    assert [row["pinned"] for row in after] == [True, False]
    held = cache.rows(records, measured_version("v5", records))
    assert [row["delta"] for row in held] == [0.0, 0.0]
    assert [row["delta"] for row in cache.rows(records)] == [None, None]
