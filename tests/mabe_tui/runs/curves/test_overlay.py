"""Curves of several sides in one chart: stable lines, with single seeds drawn faintly below."""

from pathlib import Path

import pytest

from core.errors import RunError
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.curves.overlay import (
    LineNumbers,
    SideNumbers,
    axes_of,
    metrics_of,
    overlay,
    overlays,
    style_of,
)
from mabe_tui.runs.curves.panels import RunNumbers
from mabe_tui.runs.store import RunEntry
from tests.recorded import Recording, write


def side(home: Path, label: str, *runs: Recording) -> SideNumbers:
    numbers = (RunNumbers.read(RunEntry(write(home, run)), label) for run in runs)
    return SideNumbers(label, tuple(numbers))


@pytest.fixture
def sides(tmp_path: Path) -> list[SideNumbers]:
    one = Recording(version="v5", name="aa11", epochs=3)
    two = Recording(version="v6", name="bb22", epochs=4, usd_per_hour=None)
    seed = Recording(version="v6", name="cc33", epochs=5, seed=7)
    return [side(tmp_path, "v5", one), SideNumbers("v1", ()), side(tmp_path, "v6", two, seed)]


def test_a_name_keeps_its_number_while_others_come_and_go() -> None:
    lines = LineNumbers()
    assert lines.of(["a", "b", "c"]) == [0, 1, 2]
    assert lines.of(["c", "a"]) == [2, 0]
    assert lines.of(["c", "a", "d"]) == [2, 0, 1]
    assert lines.of(["c", "a", "d", "b"]) == [2, 0, 1, 3]


def test_a_side_is_drawn_by_its_number_with_the_band_of_its_seeds_beneath(
    sides: list[SideNumbers],
) -> None:
    panel = overlay(sides, [4, 0, 2], "f1_macro")
    drawn = [(s.name, s.style, len(s.points[0])) for s in panel.series]
    assert drawn == [
        ("", "faint", 2),  # the seed that continues, epochs 4 and 5
        ("", "faint", 4),
        ("v5", style_of(4), 3),
        ("v6 (2 seeds)", style_of(2), 4),
    ]
    assert panel.lines == (2, 2, 4, 2)
    assert panel.title == "f1_macro, mean and std over seeds"


def test_one_seed_alone_has_no_band(sides: list[SideNumbers]) -> None:
    panel = overlay(sides[:1], [0], "f1_macro")
    assert [s.name for s in panel.series] == ["v5"]
    assert panel.title == "f1_macro"


def test_losses_of_all_sides_are_in_one_chart(sides: list[SideNumbers]) -> None:
    (panel,) = overlays(sides, ["loss"], Axis.EPOCH)
    named = {s.name: line for s, line in zip(panel.series, panel.lines, strict=True) if s.name}
    assert named == {
        "v5 train_loss": 0,
        "v6 train_loss (2 seeds)": 2,
        "v5 validation_loss": 3,
        "v6 validation_loss (2 seeds)": 5,
    }


def test_more_than_ten_sides_all_have_a_line(sides: list[SideNumbers]) -> None:
    panel = overlay([sides[0]] * 25, range(25), "f1_macro")
    assert panel.lines == tuple(range(25))


def test_smoothing_leaves_the_raw_values_beneath(sides: list[SideNumbers]) -> None:
    panel = overlay(sides[:1], [0], "train_loss", smooth=0.9, log_y=True)
    assert [s.style for s in panel.series] == ["faint", "solid"]
    assert panel.log_y
    assert "smoothed 0.9" in panel.title


def test_dollars_need_the_price_of_every_run(sides: list[SideNumbers]) -> None:
    assert Axis.DOLLARS in axes_of(sides[:2])
    assert Axis.DOLLARS not in axes_of(sides)
    with pytest.raises(RunError, match=r"v6: what it costs an hour is not known"):
        overlay(sides, [0, 1, 2], "f1_macro", Axis.DOLLARS)


def test_metrics_are_those_of_any_side(sides: list[SideNumbers]) -> None:
    assert metrics_of(sides[1:2]) == []
    assert {"train_loss", "f1_macro", "gpu_percent"} <= {*metrics_of(sides)}
