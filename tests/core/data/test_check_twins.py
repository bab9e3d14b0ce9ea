"""`mabe data check` on twins of real labs: silent at first, then made wrong on purpose."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from core.data import synthetic
from core.data.check import Report, check
from core.data.competition import Video, read_videos
from core.data.labels import ActionMap

MAP = ActionMap({}, ("other", "social"))
SECONDS = 12


@pytest.fixture(scope="module")
def twins(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first video of each real set of body parts, 12 s of it, with simulated tracking."""
    folder = tmp_path_factory.mktemp("twins")
    with (real_data / "mabe2025" / "train.csv").open(newline="") as file:
        rows = {row["body_parts_tracked"]: row for row in reversed([*csv.DictReader(file)])}
    table = folder / "table" / "train.csv"
    (table.parent / "train_annotation").mkdir(parents=True)
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, next(iter(rows.values())))
        writer.writeheader()
        writer.writerows({**row, "video_duration_sec": SECONDS} for row in rows.values())
    root = folder / "twins"
    synthetic.like(table, table.parent / "train_annotation", root, labelled_only=False, workers=1)
    return root


@pytest.fixture
def copied(twins: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(twins, tmp_path / "twins"))


def found(report: Report, code: str) -> tuple[str, ...]:
    return next((problem.places for problem in report.problems if problem.code == code), ())


def videos_by(root: Path, wanted: Callable[[Video], bool]) -> list[Video]:
    return [video for video in read_videos(root) if wanted(video)]


def rewrite(video: Video, change: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(change(pq.read_table(video.tracking_path)), video.tracking_path)


def with_parts_moved_on(table: pa.Table) -> pa.Table:
    """Give each body part the name of the next."""
    names = sorted(pc.unique(table["bodypart"]).to_pylist())
    other = dict(zip(names, [*names[3:], *names[:3]], strict=True))
    parts = pa.array([other[name] for name in table["bodypart"].to_pylist()])
    return table.set_column(table.column_names.index("bodypart"), "bodypart", parts)


def test_sound_tracking_of_every_lab_raises_no_alarm(twins: Path) -> None:
    report = check(twins, MAP)
    assert report.videos == 10
    for code in ("misplaced_parts", "copied_tracking", "untracked_mouse"):
        assert found(report, code) == ()


def test_scrambled_names_are_noticed_in_labs_without_labels_too(copied: Path) -> None:
    scrambled = videos_by(copied, lambda video: len(video.body_parts) > 5)
    for video in scrambled:
        rewrite(video, with_parts_moved_on)
    assert {video.lab_id for video in scrambled if not video.behaviors} == {"MABe22_keypoints"}
    places = found(check(copied, MAP, every_place=True), "misplaced_parts")
    assert len(places) == len(scrambled)
    assert all("mouse1: " in place for place in places)


def test_a_mouse_that_is_not_tracked_is_named(copied: Path) -> None:
    first = next(video for video in read_videos(copied) if video.behaviors)
    rewrite(first, lambda table: table.filter(pc.not_equal(table["mouse_id"], 2)))
    (place,) = found(check(copied, MAP), "untracked_mouse")
    assert place.startswith(f"train.csv, line {first.row}: mouse2; tracked: mouse1")


def test_one_recording_under_two_ids_is_named(copied: Path) -> None:
    one, other = videos_by(copied, lambda video: bool(video.behaviors))[:2]
    shutil.copyfile(one.tracking_path, other.tracking_path)
    names = f"{one.lab_id}/{one.video_id} = {other.lab_id}/{other.video_id}"
    assert found(check(copied, MAP), "copied_tracking") == (names,)
