import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import Result

from core.errors import DataError, MisuseError, UserError

Mabe = Callable[..., Result]


@pytest.fixture
def data(invoke: Mabe, tmp_path: Path) -> Path:
    invoke("data", "synth", "mice", "--videos", "3", "--frames", "400")
    return tmp_path / "mice"


def test_a_folder_in_all_views(invoke: Mabe, data: Path, tmp_path: Path) -> None:
    videos = [path.stem for path in sorted((data / "train_tracking").rglob("*.parquet"))]
    (tmp_path / "animals.csv").write_text(
        "video,dose\n"
        + "".join(f"{video},{number % 2}\n" for number, video in enumerate([*videos, "gone"]))
    )
    told = invoke("bouts", str(data), "--by", "animals.csv", "--bin", "5", "--json")
    found = json.loads(told.stdout)
    assert "warning: animals.csv: no such video: gone" in told.stderr
    assert {each["video"] for each in found["behaviours"]} == {*videos}
    assert {each["group"] for each in found["groups"]} == {"0", "1"}
    assert found["bins"]
    as_table = invoke("bouts", str(data)).stdout.splitlines()
    assert len(as_table) == 1 + len(found["behaviours"])
    as_csv = invoke("bouts", str(data), "--csv").stdout.splitlines()
    assert as_csv[0].startswith("video,agent,target,action,count")
    svg = invoke("bouts", str(data), "--svg", "bouts.svg", "--by", "animals.csv")
    assert svg.stdout == ""
    picture = ElementTree.parse(tmp_path / "bouts.svg")
    texts = [node.text or "" for node in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert any("dose: 1" in text for text in texts)
    bars = [
        node
        for node in picture.iter("{http://www.w3.org/2000/svg}rect")
        if node.get("height") == "10"
    ]
    assert len(bars) == sum(each["count"] for each in found["behaviours"])


def test_what_is_written_for_boris_is_a_file(invoke: Mabe, data: Path, tmp_path: Path) -> None:
    invoke("bouts", str(data), "--to", "boris", "-o", "events.csv")
    assert (tmp_path / "events.csv").read_text().startswith("Time,Media file path")
    with pytest.raises(UserError, match="--force"):
        invoke("bouts", str(data), "--to", "boris", "-o", "events.csv")
    with pytest.raises(UserError, match="writes a folder"):
        invoke("bouts", str(data), "--to", "simba", "-o", "events.txt")
    invoke("bouts", str(data), "--to", "simba", "-o", "tables")
    with pytest.raises(UserError, match=r"tables/.*\.csv: there already; --force"):
        invoke("bouts", str(data), "--to", "simba", "-o", "tables")


def test_options_that_go_together(invoke: Mabe, data: Path) -> None:
    for options in (["--to", "csv"], ["--show", "groups"], ["--show", "bins"], ["--json", "--csv"]):
        with pytest.raises(MisuseError):
            invoke("bouts", str(data), *options)
    with pytest.raises(DataError, match="no such file, run or data folder"):
        invoke("bouts", "gone.csv", "--fps", "30")
