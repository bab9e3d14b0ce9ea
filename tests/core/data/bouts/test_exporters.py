"""What is written for other tools is read back as it was."""

from pathlib import Path

import numpy as np
import pytest

from core.data.bouts.exporters import EXPORTERS
from core.data.bouts.table import BoutRow, BoutTable, VideoLength
from core.data.competition import read_bouts, read_videos
from core.data.importers.formats import look_at
from core.data.importers.importing import import_videos
from core.data.importers.mapping import Mapping
from core.data.importers.suggestion import completed
from tests.core.data.importers import made_files as made

ROWS = (
    BoutRow("film", "mouse1", "mouse2", "attack", 0, 7),
    BoutRow("film", "mouse1", "mouse2", "attack", 7, 11),
    BoutRow("film", "mouse2", "self", "rear", 5, 33),
)


def table(fps: float, rows: tuple[BoutRow, ...] = ROWS) -> BoutTable:
    return BoutTable(rows, {"film": VideoLength(40, fps)})


def read_back(folder: Path, labels: Path, fps: float) -> list[tuple[object, ...]]:
    poses = made.deeplabcut(folder / "film.csv", made.points(40), ("mouse1", "mouse2"))
    found = look_at([poses, labels])
    mapping = completed(Mapping(fps=fps), found).mapping
    import_videos(found, mapping, folder / "mice")
    (video,) = read_videos(folder / "mice")
    bouts = read_bouts(video)
    columns = (bouts.agent, bouts.target, bouts.action, bouts.start, bouts.stop)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("fps", [25.0, 29.97, 30.0, 33.3, 240.0])
def test_boris(tmp_path: Path, fps: float) -> None:
    (path,) = EXPORTERS["boris"][0](table(fps), tmp_path / "events.csv")
    assert read_back(tmp_path, path, fps) == [
        (1, 2, "attack", 0, 7),
        (1, 2, "attack", 7, 11),
        (2, 2, "rear", 5, 33),
    ]


def test_a_plain_table(tmp_path: Path) -> None:
    (path,) = EXPORTERS["csv"][0](table(30.0), tmp_path / "bouts.csv")
    (sheet,) = look_at([path]).sheets
    assert (sheet.name, sheet.unit) == ("film", "frames")
    assert [(e.subject, e.behaviour, e.modifier, e.start, e.stop) for e in sheet.events] == [
        (row.agent, row.action, row.target, row.start, row.stop) for row in ROWS
    ]


def test_simba(tmp_path: Path) -> None:
    (path,) = EXPORTERS["simba"][0](table(30.0), tmp_path / "simba")
    (sheet,) = look_at([path]).sheets
    assert path.name == "film.csv"
    assert sorted((e.behaviour, e.start, e.stop) for e in sheet.events) == [
        ("attack", 0, 11),  # frames do not tell two bouts that touch
        ("rear", 5, 33),
    ]


def test_nwb(tmp_path: Path) -> None:
    pynwb = pytest.importorskip("pynwb", reason="the extra `poses` is not installed")
    (path,) = EXPORTERS["nwb"][0](table(25.0), tmp_path)
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        found = io.read().processing["behavior"]["bouts"].to_dataframe()
    assert found.behavior.tolist() == ["attack", "attack", "rear"]
    assert found.target.tolist() == ["mouse2", "mouse2", "self"]
    assert np.allclose(found.start_time, [0, 7 / 25, 5 / 25])


def test_videos_without_bouts(tmp_path: Path) -> None:
    pytest.importorskip("pynwb", reason="the extra `poses` is not installed")
    empty = table(30.0, ())
    for name, (write, is_folder) in EXPORTERS.items():
        (path,) = write(empty, tmp_path / name / ("" if is_folder else "bouts.csv"))
        if name == "nwb":
            assert path.stat().st_size > 1000
            continue
        assert len(path.read_text().splitlines()) == (41 if name == "simba" else 1)
