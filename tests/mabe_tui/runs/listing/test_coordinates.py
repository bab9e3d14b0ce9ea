"""Runs as lines through their settings to their score."""

import json
import math
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from core.config import registry
from core.errors import UserError
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.plotting.coordinates import BEST, GOOD, REST, render_coordinates, roles_of
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.coordinates import coordinates_of
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.store import RunStore
from tests.command_line import mabe
from tests.mabe_tui.recorded import record

RATES, SCORES = (1e-4, 1e-3, 1e-2), (0.2, 0.4, 0.3)


@pytest.fixture
def trials(home: Path) -> list[RunRecord]:
    versions = registry.load(registry.default_path())
    for rate, score in zip(RATES, SCORES, strict=True):
        experiment = versions.experiment("v6", [f"training.learning_rate={rate}"])
        assert isinstance(experiment, BehaviourExperiment)
        record(home, experiment, f1=(score,), tags=("tune:small",))
    return Catalog(RunStore(home)).records()[::-1]


def test_what_differs_is_an_axis_and_the_score_the_last(trials: list[RunRecord]) -> None:
    found = coordinates_of(trials)
    assert found.keys == ("training.learning_rate",)
    assert [found.runs[place] for place in found.order] == [trials[n].id for n in (1, 2, 0)]
    rate, score = found.axes
    np.testing.assert_allclose(rate.at, [0, 0.5, 1])  # of a factor of 100: logarithmic
    np.testing.assert_allclose(score.at, [0, 1, 0.5])
    assert (score.label, [label for _, label in score.ticks]) == ("F1", ["0.2", "0.4"])


def test_other_values_than_numbers_have_a_place_each(trials: list[RunRecord]) -> None:
    names, same, _ = coordinates_of(trials, ["features.inputs", "epochs"]).axes
    assert [place for place, _ in names.ticks] == [0.0]
    np.testing.assert_array_equal(same.at, [0.5] * 3)


def test_what_cannot_be_drawn_is_said(trials: list[RunRecord]) -> None:
    with pytest.raises(UserError, match="1 of 1 runs have a score; two are needed"):
        coordinates_of(trials[:1])
    with pytest.raises(UserError, match="the runs differ in no setting"):
        coordinates_of([trials[0], trials[0]])
    with pytest.raises(UserError, match="no setting 'dropuot'; did you mean"):
        coordinates_of(trials, ["dropuot"])


def test_the_best_are_drawn_strongest() -> None:
    roles = roles_of([3, 1, 0, 2])
    assert roles.tolist() == [REST, GOOD, REST, BEST]
    assert roles_of([0]).tolist() == [BEST]
    assert roles_of([]).tolist() == []


@pytest.mark.parametrize("width", [20, 80])
def test_axes_without_room_are_left_out_but_not_the_score(
    trials: list[RunRecord], width: int
) -> None:
    keys = ["learning_rate", "dropout", "batch_size", "weight_decay", "epochs"]
    found = coordinates_of(trials, keys)
    rows = render_coordinates(found.axes, found.order, width, 8, ascii_only=True)
    assert {len(row.text) for row in rows} == {width}
    assert "F1" in rows[0].text
    assert ("epochs" in rows[0].text) == (width == 80)


def test_command(home: Path, trials: list[RunRecord], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MABE_HOME", str(home))
    told = json.loads(mabe("coordinates", "--tag", "tune:small", "--json").stdout)
    assert told["values"] == [[rate] for rate in reversed(RATES)]
    assert "best of 3: " in mabe("coordinates").stderr
    target = home / "c.svg"
    mabe("coordinates", "--svg", str(target))
    paths = ET.fromstring(target.read_text()).iter("{http://www.w3.org/2000/svg}path")
    drawn = [path.attrib["d"] for path in paths if path.attrib["class"].startswith("s")]
    assert len(drawn) == len(RATES)
    assert not any(map(math.isnan, map(float, drawn[0][1:].replace("L", " ").split())))
    with pytest.raises(UserError, match="0 of 0 runs"):
        mabe("coordinates", "--tag", "another")
