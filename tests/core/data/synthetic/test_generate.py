import hashlib
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock

from core.data.competition import labelled, read_bouts, read_tracking, read_videos
from core.data.keypoints import MARS_7, SLOTS_18
from core.data.labels import ActionMap, frame_classes
from core.data.synthetic import SyntheticSettings, synthesise
from core.data.synthetic.generate import SYNTHETIC_MARKER, fingerprint
from core.data.synthetic.patterns import CLASS_OF, CLASSES
from core.data.writer import CSV_COLUMNS
from core.errors import DataError

SMALL = SyntheticSettings(videos=3, frames=400, labs=("A", "B"))


def digest(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_reads_back_as_the_competition_s_own(tmp_path):
    summary = synthesise(tmp_path / "data", SMALL, workers=1)
    usable, left_out = labelled(read_videos(tmp_path / "data"))
    assert (len(usable), left_out) == (3, [])
    assert [video.lab_id for video in usable] == ["A", "B", "A"]
    counts = np.zeros(4, int)
    for video in usable:
        tracking = read_tracking(video, MARS_7, 2)
        assert tracking.positions.shape == (400, 2, 7, 2)
        assert (tracking.duplicates, tracking.non_finite, tracking.dropped) == (0, 0, {})
        assert 0.005 < np.isnan(tracking.positions).mean() < 0.08
        x, y = np.moveaxis(tracking.positions, -1, 0)
        assert np.nanmin(x) > 0 < np.nanmin(y)
        assert np.nanmax(x) < video.width
        assert np.nanmax(y) < video.height
        bouts = read_bouts(video)
        said = {(b.agent, b.target, b.action) for b in video.behaviors}
        assert said == set(zip(bouts.agent, bouts.target, bouts.action, strict=True))
        counts += np.bincount(frame_classes(bouts, 400, ActionMap(CLASS_OF, CLASSES)), minlength=4)
    assert summary.class_frames == dict(zip(CLASSES, counts.tolist(), strict=True))
    assert (summary.frames, summary.written, summary.labs) == (1200, 3, ("A", "B"))


def test_files_have_the_competition_s_columns_and_types(tmp_path):
    synthesise(tmp_path / "data", SMALL, workers=1)
    tracking = pq.read_schema(tmp_path / "data/train_tracking/A/700000001.parquet")
    assert dict(zip(tracking.names, tracking.types, strict=True)) == {
        "video_frame": pa.int32(),
        "mouse_id": pa.int8(),
        "bodypart": pa.string(),
        "x": pa.float32(),
        "y": pa.float32(),
    }
    annotation = pq.read_schema(tmp_path / "data/train_annotation/A/700000001.parquet")
    assert dict(zip(annotation.names, annotation.types, strict=True)) == {
        "agent_id": pa.int8(),
        "target_id": pa.int8(),
        "action": pa.string(),
        "start_frame": pa.int32(),
        "stop_frame": pa.int32(),
    }


def test_the_table_has_the_real_one_s_header(tmp_path, real_data):
    synthesise(tmp_path / "data", SMALL, workers=1)
    real = (real_data / "mabe2025/train.csv").open().readline()
    assert (tmp_path / "data/train.csv").open().readline() == real
    assert len(CSV_COLUMNS) == 38


def test_four_mice_with_every_keypoint_and_a_headpiece(tmp_path):
    parts = (*SLOTS_18, "headpiece_topfrontleft")
    wanted = SyntheticSettings(videos=1, frames=200, mice=4, keypoints=parts, fps=10.0)
    synthesise(tmp_path / "data", wanted, workers=1)
    (video,) = read_videos(tmp_path / "data")
    tracking = read_tracking(video, SLOTS_18, 4)
    assert tracking.mouse_ids == (1, 2, 3, 4)
    assert not np.isnan(tracking.positions).all(axis=(0, 3)).any()
    assert set(tracking.dropped) == {"headpiece_topfrontleft"}


def test_the_same_bytes_whatever_the_workers(tmp_path):
    synthesise(tmp_path / "one", SMALL, workers=1)
    synthesise(tmp_path / "two", SMALL, workers=2)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_a_video_does_not_depend_on_how_many_there_are_and_seeds_differ(tmp_path):
    synthesise(tmp_path / "three", SMALL, workers=1)
    synthesise(tmp_path / "one", msgspec.structs.replace(SMALL, videos=1), workers=1)
    synthesise(tmp_path / "seed", msgspec.structs.replace(SMALL, seed=1), workers=1)
    name = "train_tracking/A/700000001.parquet"
    assert digest(tmp_path / "three")[name] == digest(tmp_path / "one")[name]
    assert digest(tmp_path / "three")[name] != digest(tmp_path / "seed")[name]


def test_an_interrupted_run_is_finished_and_whole_videos_are_kept(tmp_path):
    root = tmp_path / "data"
    synthesise(root, SMALL, workers=1)
    whole = digest(root)
    (root / "train.csv").unlink()
    (root / "train_annotation/B/700000002.parquet").unlink()
    kept = (root / "train_tracking/A/700000001.parquet").stat().st_mtime_ns
    told: list[tuple[int, int, str]] = []
    summary = synthesise(root, SMALL, workers=1, progress=lambda *seen: told.append(seen))
    assert (summary.written, summary.videos) == (1, 3)
    assert told == [(2, 3, "videos"), (3, 3, "videos")]
    assert digest(root) == whole
    assert (root / "train_tracking/A/700000001.parquet").stat().st_mtime_ns == kept


def test_making_the_same_again_touches_nothing(tmp_path):
    synthesise(tmp_path, SMALL, workers=1)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    synthesise(tmp_path, SMALL, workers=1)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == times


def test_of_two_at_once_the_second_waits_and_finds_what_the_first_made(tmp_path, monkeypatch):
    monkeypatch.setattr("core.system.lock.LOOK_SECONDS", 0.01)
    other = msgspec.structs.replace(SMALL, seed=SMALL.seed + 1)
    lock, told = FileLock(tmp_path / ".lock"), []

    def progress(done, total, what):
        told.append(what)
        if len(told) == 1:
            write_marker(tmp_path, other)
            lock.release()

    with lock, pytest.raises(DataError, match="holds synthetic data made with other settings"):
        synthesise(tmp_path, SMALL, workers=1, progress=progress)
    assert told == ["waiting for another process that makes data in this folder"]


def write_marker(folder, settings):
    content = {"made_by": "x", "fingerprint": fingerprint(settings), "request": settings}
    (folder / SYNTHETIC_MARKER).write_bytes(msgspec.json.encode(content))


def test_refuses_a_folder_that_is_not_its_own(tmp_path):
    (tmp_path / "thesis.txt").write_text("do not lose")
    with pytest.raises(DataError, match="not empty and was not made by synth"):
        synthesise(tmp_path, SMALL, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_refuses_a_folder_of_other_settings(tmp_path):
    synthesise(tmp_path / "data", SMALL, workers=1)
    before = digest(tmp_path / "data")
    with pytest.raises(DataError, match="other settings"):
        synthesise(tmp_path / "data", msgspec.structs.replace(SMALL, seed=7), workers=1)
    assert digest(tmp_path / "data") == before


def test_refuses_a_file_and_a_damaged_marker(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="is a file"):
        synthesise(tmp_path / "file", SMALL, workers=1)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/synthetic.json").write_text("{")
    with pytest.raises(DataError, match=r"synthetic\.json: cannot be read"):
        synthesise(tmp_path / "data", SMALL, workers=1)


def test_an_unfinished_folder_names_the_command_that_finishes_it(tmp_path: Path) -> None:
    root = tmp_path / "mice"
    synthesise(root, SyntheticSettings(videos=1, frames=300), workers=1)
    (root / "train.csv").unlink()
    with pytest.raises(DataError, match=r"unfinished; the same `mabe data synth .*mice` as before"):
        read_videos(root)
    with pytest.raises(DataError, match=r"other settings \(videos 1, not 2; seed 42, not 7\)"):
        synthesise(root, SyntheticSettings(videos=2, frames=300, seed=7), workers=1)
    synthesise(root, SyntheticSettings(videos=1, frames=300), workers=1)
    assert len(read_videos(root)) == 1
