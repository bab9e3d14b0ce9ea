"""``mabe curves`` and the files of ``mabe compare``, as text and as data."""

import csv
import io
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from core.errors import ConfigError, RunError, UserError
from core.run.rundir import RunDir
from tests.mabe_tui.runs.telling import Telling
from tests.recorded import Recording, write_all

Mabe = Callable[..., Result]


@pytest.fixture(autouse=True)
def recorded(home: Path) -> list[RunDir]:
    recordings = [
        Recording(version="v5", name="aa22", epochs=3),
        Recording(version="v6", name="bb22", epochs=4, hours=2, usd_per_hour=None),
    ]
    return write_all(home, recordings)


def test_charts_of_two_runs_in_plain_text(invoke: Mabe) -> None:
    lines = invoke("curves", "v5", "v6", "--width", "60", "--height", "12").stdout.splitlines()
    assert len(lines) == 24
    assert max(map(len, lines)) <= 60
    assert [line.strip() for line in (lines[0], lines[12])] == ["loss", "f1_macro"]
    assert "v5" in lines[-1]
    assert "v6" in lines[-1]
    assert any(0x2800 < ord(character) < 0x2900 for line in lines for character in line)


def test_ascii_and_the_last_run_by_default(invoke: Mabe) -> None:
    text = invoke("curves", "--ascii", "-m", "f1", "--smooth", "0.5", "--x", "time").stdout
    assert text.isascii()
    assert "f1/mating" in text


def test_the_same_numbers_as_json_and_csv(invoke: Mabe) -> None:
    told = json.loads(invoke("curves", "v5", "v6", "-m", "f1_macro,loss", "--json").stdout)
    assert told["x"] == "epoch"
    found = {(one["run"], one["name"]): one for one in told["curves"]}
    assert found["v6", "f1_macro"]["x"] == [1, 2, 3, 4]
    assert found["v5", "train_loss"]["x"][-1] == 3
    rows = list(csv.reader(io.StringIO(invoke("curves", "v5", "v6", "--csv").stdout)))
    assert rows[0] == ["run", "curve", "epoch", "value", "superseded"]
    listed = [
        (float(x), float(y)) for run, name, x, y, _ in rows[1:] if (run, name) == ("v6", "f1_macro")
    ]
    assert listed == list(
        zip(found["v6", "f1_macro"]["x"], found["v6", "f1_macro"]["y"], strict=True)
    )


def test_svg_file(invoke: Mabe, tmp_path: Path) -> None:
    result = invoke("curves", "v5", "v6", "--svg", str(tmp_path / "curves.svg"))
    assert result.stdout == ""
    ElementTree.parse(tmp_path / "curves.svg")
    assert "curves.svg" in result.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("curves", "v5", "v6", "--svg"),
        ("compare", "v5", "v6", "--svg"),
        ("compare", "v5", "v6", "--html"),
    ],
)
def test_a_file_that_is_there_is_replaced_only_by_force(
    invoke: Mabe, tmp_path: Path, command: tuple[str, ...]
) -> None:
    file = tmp_path / "mine"
    file.write_text("my own")
    with pytest.raises(UserError, match="mine: there already; --force replaces it"):
        invoke(*command, str(file))
    assert file.read_text() == "my own"
    invoke(*command, str(file), "--force")
    assert file.read_text() != "my own"


def test_refusals_name_what_to_do(invoke: Mabe) -> None:
    with pytest.raises(RunError, match="no curve 'los'; did you mean 'loss'"):
        invoke("curves", "v5", "-m", "los")
    with pytest.raises(RunError, match="v6: what it costs an hour is not known; take time"):
        invoke("curves", "v5", "v6", "--x", "dollars")
    with pytest.raises(ConfigError, match="choose one"):
        invoke("curves", "--json", "--csv")


def test_run_that_has_not_said_anything(invoke: Mabe, make_run: Callable[..., RunDir]) -> None:
    run = make_run("v1")
    with pytest.raises(RunError, match="nothing to draw of v1: no epoch of v1 is over"):
        invoke("curves", run.id)


def test_comparison_as_page_and_as_svg(invoke: Mabe, tmp_path: Path) -> None:
    page, picture = tmp_path / "report.html", tmp_path / "report.svg"
    result = invoke("compare", "v5", "v6", "--html", str(page))
    assert result.stdout == ""
    text = page.read_text()
    for words in ("changed settings", "F1 of each class", "Confusion matrices", "v6 − v5 = "):
        assert words in text
    invoke("compare", "v5", "v6", "--svg", str(picture))
    ElementTree.parse(picture)
    with pytest.raises(ConfigError, match="choose one"):
        invoke("compare", "v5", "v6", "--svg", "x", "--json")


def test_where_a_class_is_absent_the_mean_over_those_present_is_drawn_and_said(
    invoke: Mabe, make_run: Callable[..., RunDir]
) -> None:
    told = Telling(make_run("v2")).begin("0001-aaaa")
    told.epoch(1, **{"f1_macro_present": 0.6, "support/mating": 0.0})
    result = invoke("curves", "v2", "--json")
    assert {curve["name"] for curve in json.loads(result.stdout)["curves"]} == {
        "train_loss", "validation_loss", "f1_macro_present",
    }  # fmt: skip
    assert result.stderr.splitlines()[-1] == (
        "mabe: v2: f1_macro_present, over the classes present: its validation data lacks some"
    )
