"""The versions' history: order, what was reported and measured, and the charts of it."""

from pathlib import Path

import pytest

from core.config.registry import default_path, load
from mabe_tui.runs.comparison.history_charts import history_panels
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.lineage import history_cells, history_rows, of_lineage
from mabe_tui.runs.store import RunStore
from tests.mabe_tui.recorded import record


def test_parents_come_before_their_children_with_what_those_changed(home: Path) -> None:
    registry = load(default_path())
    rows = history_rows(registry, Catalog(RunStore(home)).records())
    assert {row.version for row in rows} == {*registry.versions}
    places = {row.version: place for place, row in enumerate(rows)}
    by_name = {row.version: row for row in rows}
    for row in rows:
        if row.extends is not None:
            assert places[row.extends] < places[row.version]
            assert row.depth == by_name[row.extends].depth + 1
    v6 = by_name["v6"]
    assert v6.changed["training.batch_size"] == ("64", "384")
    assert v6.changes.index("training.batch_size") < v6.changes.index("hardware.gpu")
    assert (v6.reported, v6.measured, v6.hours, v6.reported_cost_usd) == (0.4389, None, None, 8.4)
    assert not by_name["v1"].changed


def test_a_lineage_has_ancestors_and_descendants_and_no_siblings(home: Path) -> None:
    rows = history_rows(load(default_path()), Catalog(RunStore(home)).records())
    names = [row.version for row in of_lineage(rows, "v5")]
    assert names[:5] == ["v1", "v2", "v3", "v4", "v5"]
    assert "v6" in names
    assert "pairs-plain" not in names


def test_measured_stands_beside_reported_and_lines_lead_to_the_next_with_a_figure(
    home: Path,
) -> None:
    registry = load(default_path())
    for version, score in (("v4", 0.3), ("v6", 0.5)):
        experiment = registry.experiment(version)
        for seed in (1, 2):
            record(home, experiment, (score + seed / 100,), seed=seed, usd_per_hour=3.6)
    rows = of_lineage(history_rows(registry, Catalog(RunStore(home)).records()), "v6")
    row = next(row for row in rows if row.version == "v6")
    assert (row.measured, row.seeds, row.finished) == (pytest.approx(0.515), 2, True)
    cells = history_cells(row)
    assert str(cells["measured"]).startswith("0.5150 ± ")
    assert str(cells["hours"]).endswith("(1.38)")
    score = history_panels(rows)[0]
    assert score.x_names == ("v4", "v5", "v6")
    joined = [one for one, line in zip(score.series, score.lines, strict=True) if len(one.x) == 2]
    measured = next(one for one in joined if one.style == "solid")
    assert (list(measured.x), list(measured.y)) == ([0, 2], pytest.approx([0.315, 0.515]))


def test_nothing_known_is_no_chart(home: Path) -> None:
    rows = history_rows(load(default_path()), Catalog(RunStore(home)).records())
    assert history_panels([row for row in rows if row.version == "v1"]) == []
