"""Each format by a real file where there is one, else by a file written to the published format."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from core.data.importers.formats import look_at
from core.data.importers.recording import Recording, Sheet
from core.errors import DataError
from tests.core.data.importers import made_files as made

h5py = pytest.importorskip("h5py", reason="the extra `poses` is not installed")


def recording(path: Path) -> Recording:
    (found,) = look_at([path]).recordings
    return found


def sheet(path: Path) -> Sheet:
    (found,) = look_at([path]).sheets
    return found


def by_part(found: Recording) -> dict[str, np.ndarray]:
    points = found.load().positions
    return {part: points[:, :, place] for place, part in enumerate(found.parts)}


def same(one: Recording, other: Recording) -> bool:
    mine, theirs = by_part(one), by_part(other)
    return mine.keys() == theirs.keys() and all(
        np.array_equal(mine[part], theirs[part], equal_nan=True) for part in mine
    )


# ── real files ────────────────────────────────────────────────────────────────────────────────


def test_deeplabcut_with_individuals_by_prefix_csv_and_hdf5(real_data: Path) -> None:
    folder = real_data / "poses" / "deeplabcut"
    csv, hdf = recording(folder / "deepof_multi.csv"), recording(folder / "deepof_multi.h5")
    assert csv.individuals == hdf.individuals == ("B", "W")
    assert csv.parts == hdf.parts
    assert len(csv.parts) == 14
    one, other = csv.load().positions, hdf.load().positions
    assert (len(one), len(other)) == (98, 100)
    assert np.isfinite(other).all()


def test_one_mouse_with_gaps(real_data: Path) -> None:
    found = recording(real_data / "poses" / "deeplabcut" / "one_mouse_openfield_missing.csv")
    points = found.load().positions
    assert (found.individuals, points.shape) == (("animal",), (2330, 1, 4, 2))
    assert np.isnan(points[0, 0, found.parts.index("snout")]).all()


def test_sleap_analysis_and_project_are_equal(real_data: Path) -> None:
    folder = real_data / "poses" / "sleap"
    analysis, project = recording(folder / "deepof.analysis.h5"), recording(folder / "deepof.slp")
    assert same(analysis, project)
    assert analysis.media == project.media == "test2DLC_video_circular_arena"
    scores = [found.load().likelihood for found in (analysis, project)]
    assert np.array_equal(*scores)


def test_a_foreign_animal_without_scores(real_data: Path) -> None:
    found = recording(real_data / "poses" / "sleap" / "ethome.analysis.h5")
    tracks = found.load()
    assert (found.individuals, tracks.positions.shape) == (("track_0", "track_1"), (3000, 2, 13, 2))
    assert tracks.likelihood is None
    assert any("scores" in note for note in found.notes)


def test_nwb(real_data: Path) -> None:
    found = recording(real_data / "poses" / "nwb" / "ethome.nwb")
    assert (found.individuals, found.frames_per_second) == (("ind1",), None)
    assert found.notes == ("its clock counts frames, so that it does not say how long one lasts",)
    assert set(found.parts) == {"snout", "leftear", "rightear", "tailbase"}
    assert np.isfinite(found.load().positions).all()
    gaps = by_part(recording(real_data / "poses/deeplabcut/one_mouse_openfield_missing.csv"))
    for part, points in by_part(found).items():
        # the same video, smoothed
        assert np.nanmedian(np.abs(points - gaps[part])) < 5


@pytest.mark.parametrize(
    ("name", "events", "behaviours"),
    [
        ("multiple_behaviors", 17, {"mount", "interact"}),
        ("simultaneous_events", 3, {"mm", "aa"}),
        ("two_mice_20210610T122332", 10, {"interact"}),
    ],
)
def test_boris(real_data: Path, name: str, events: int, behaviours: set[str]) -> None:
    found = sheet(real_data / "poses" / "boris" / f"{name}.csv")
    assert (len(found.events), found.frames_per_second, found.open_events) == (events, 30.0, ())
    assert {event.behaviour for event in found.events} == behaviours


# ── files written to the published format ─────────────────────────────────────────────────────


def test_deeplabcut_table_of_pandas(tmp_path: Path) -> None:
    """pandas writes it with PyTables; this is the layout of ``to_hdf(format="table")``."""
    xy = made.points(3, 1, 2)
    names = [("net", part, c) for part in ("nose", "tail") for c in ("x", "y", "likelihood")]
    rows = np.zeros(3, [("index", "<i8"), ("values_block_0", "<f8", (6,))])
    rows["index"] = np.arange(3)
    rows["values_block_0"] = np.concatenate([xy[:, 0], np.full((3, 2, 1), 0.5)], axis=2).reshape(
        3, 6
    )
    with h5py.File(tmp_path / "filmDLC_net.h5", "w") as file:
        group = file.create_group("df_with_missing")
        group.attrs["pandas_type"] = np.bytes_("frame_table")
        group.attrs["non_index_axes"] = np.void(pickle.dumps([(1, names)], protocol=0))
        group.create_dataset("table", data=rows)
    found = recording(tmp_path / "filmDLC_net.h5")
    assert (found.name, found.parts) == ("film", ("nose", "tail"))
    assert np.array_equal(found.load().positions, xy.astype(np.float32))


def test_a_pickle_that_asks_for_more_than_values_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "bad.h5", "w") as file:
        group = file.create_group("df")
        group.attrs["pandas_type"] = np.bytes_("frame_table")
        group.attrs["non_index_axes"] = np.void(pickle.dumps(Path("x"), protocol=0))
        group.create_dataset("table", data=np.zeros(1))
    with pytest.raises(DataError, match=r"it asks for pathlib\S*\.\w+"):
        look_at([tmp_path / "bad.h5"])


def test_lightning_pose(tmp_path: Path) -> None:
    path = made.deeplabcut(
        tmp_path / "film.csv", made.points(2, 1), ("animal",), scorer="heatmap_tracker"
    )
    found = recording(path)
    assert found.format == "LightningPose CSV"
    assert np.array_equal(found.load().positions, made.points(2, 1))


def test_simba_project(tmp_path: Path) -> None:
    xy = made.points(6)
    found = look_at([made.simba_project(tmp_path / "project", xy, [0, 1, 1, 0, 1, 0])])
    (poses,), (labels,) = found.recordings, found.sheets
    assert (poses.individuals, poses.parts) == (("1", "2"), ("Nose", "Ear_left"))
    assert (poses.frames_per_second, poses.size, poses.pixels_per_cm) == (25.0, (640, 480), 15.0)
    assert np.array_equal(poses.load().positions, xy[:, :, :2].astype(np.float32))
    assert [(e.behaviour, e.start, e.stop) for e in labels.events] == [
        ("Attack", 1, 3),
        ("Attack", 4, 5),
    ]
    assert labels.behaviours == ("Attack",)


def test_calms21_json_and_npy(tmp_path: Path) -> None:
    xy, codes = made.points(5), [3, 0, 0, 3, 1]
    path = made.calms21(tmp_path / "task1.json", xy, codes, {"attack": 0, "mount": 1, "other": 3})
    table = json.loads(path.read_text())
    for sequence in table["annotator-id_0"].values():  # as CalMS21's converter writes them
        for key in ("keypoints", "scores", "annotations"):
            sequence[key] = np.array(sequence[key])
    np.save(tmp_path / "task1.npy", table, allow_pickle=True)
    for each in (path, tmp_path / "task1.npy"):
        found = look_at([each])
        (poses,), (labels,) = found.recordings, found.sheets
        assert poses.name == labels.name == "mouse001_task1_annotator1"
        assert np.array_equal(poses.load().positions, xy.astype(np.float32))
        assert [(e.subject, e.behaviour, e.start, e.stop) for e in labels.events] == [
            ("resident", "attack", 1, 3),
            ("resident", "mount", 4, 5),
        ]
        assert labels.behaviours == ("attack", "mount")


def test_mars_json(tmp_path: Path) -> None:
    xy = made.points(4)
    (tmp_path / "film_raw_feat.json").write_text(
        json.dumps(
            {"keypoints": xy.transpose(0, 1, 3, 2).tolist(), "scores": np.ones((4, 2, 7)).tolist()}
        )
    )
    found = recording(tmp_path / "film_raw_feat.json")
    assert (found.format, found.frames_per_second) == ("MARS", 30.0)
    assert np.array_equal(found.load().positions, xy.astype(np.float32))


def test_bento_in_seconds_and_in_frames(tmp_path: Path) -> None:
    seconds = sheet(made.bento(tmp_path / "a.annot", "1.5000\t2.5000\t1.0000"))
    frames = sheet(made.bento(tmp_path / "b.annot", "16\t25\t10"))
    assert (seconds.unit, seconds.events[0][3:5], seconds.name) == ("seconds", (1.5, 2.5), "film")
    assert (frames.unit, frames.events[0][3:5], frames.frames_per_second) == (
        "frames",
        (15, 25),
        10.0,
    )
    assert frames.behaviours == ("attack", "sniff")


def test_boris_aggregated_with_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "film.tsv"
    path.write_text(
        "Observation id;Media file;FPS;Subject;Behavior;Modifiers;Behavior type;Start (s);Stop (s)\n"
        "o;film.mp4;25;a;grooming;;STATE;1,5;2,25\no;film.mp4;25;b;call;x;POINT;3,0;3,0\n",
        encoding="utf-16",
    )
    found = sheet(path)
    assert [event[:5] for event in found.events] == [
        ("a", "grooming", "", 1.5, 2.25),
        ("b", "call", "x", 3.0, 3.0),
    ]


def test_boris_of_version_8(tmp_path: Path) -> None:
    path = tmp_path / "events.tsv"
    header = (
        "Observation id\tObservation date\tDescription\tObservation duration\tObservation type\tSource"
        "\tTime offset (s)\tMedia duration (s)\tFPS (frame/s)\tSubject\tBehavior\tBehavioral category"
        "\tModifier #1\tBehavior type\tTime\tMedia file name\tImage index start\tComment"
    )
    rows = [
        f"o\t2024\t\t9\tMedia file\tplayer #1:film.mp4\t0\t9\t25\tresident\tattack\t\tintruder\t{kind}"
        f"\t{time}\tfilm.mp4\t\t"
        for kind, time in (("START", 1), ("STOP", 2))
    ]
    path.write_text("\n".join([header, *rows]) + "\n")
    found = sheet(path)
    assert found.name == "film"
    assert found.events[0][:5] == ("resident", "attack", "intruder", 1.0, 2.0)


def test_plain_tables(tmp_path: Path) -> None:
    (tmp_path / "bouts.csv").write_text(
        "video,subject,target,behaviour,start_frame,stop_frame\nfilm.avi,a,b,bite,3,7\n"
    )
    (tmp_path / "lasting.csv").write_text("action,start_s,duration\nbite,1.5,0.5\n")
    (tmp_path / "inclusive.csv").write_text("action,first_frame,last_frame\nbite,3,6\n")
    (tmp_path / "flags.csv").write_text("frame,bite,rear\n0,0,0\n1,1,0\n2,1,1\n")
    (tmp_path / "named.csv").write_text("Frame,Label\n0,none\n1,bite\n2,bite\n")
    bouts = sheet(tmp_path / "bouts.csv")
    assert (bouts.name, bouts.unit, bouts.events[0][:5]) == (
        "film",
        "frames",
        ("a", "bite", "b", 3, 7),
    )
    lasting = sheet(tmp_path / "lasting.csv")
    assert (lasting.unit, lasting.events[0][3:5]) == ("seconds", (1.5, 2.0))
    assert sheet(tmp_path / "inclusive.csv").events[0][3:5] == (3, 7)
    assert [e[1:5] for e in sheet(tmp_path / "flags.csv").events] == [
        ("bite", "", 1, 3),
        ("rear", "", 2, 3),
    ]
    assert [e[1:5] for e in sheet(tmp_path / "named.csv").events] == [("bite", "", 1, 3)]


def test_sleap_project_with_two_videos_and_no_tracks(tmp_path: Path) -> None:
    frame = np.dtype(
        [
            ("frame_id", "u8"),
            ("video", "u4"),
            ("frame_idx", "u8"),
            ("instance_id_start", "u8"),
            ("instance_id_end", "u8"),
        ]
    )
    instance = np.dtype(
        [
            ("instance_id", "i8"),
            ("instance_type", "u1"),
            ("frame_id", "u8"),
            ("skeleton", "u4"),
            ("track", "i4"),
            ("point_id_start", "u8"),
            ("point_id_end", "u8"),
        ]
    )
    point = np.dtype(
        [("x", "f8"), ("y", "f8"), ("visible", "?"), ("complete", "?"), ("score", "f8")]
    )
    described = {
        "skeletons": [{"nodes": [{"id": 1}, {"id": 0}]}],
        "nodes": [{"name": "tail"}, {"name": "nose"}],
    }
    with h5py.File(tmp_path / "labels.slp", "w") as file:
        file.create_group("metadata").attrs["json"] = np.bytes_(json.dumps(described))
        file["metadata"].attrs["format_id"] = 1.0
        file["videos_json"] = [
            np.bytes_(json.dumps({"backend": {"filename": f"C:\\v\\{n}.mp4"}})) for n in "ab"
        ]
        file["frames"] = np.array([(0, 0, 4, 0, 1), (1, 1, 2, 1, 2)], frame)
        file["instances"] = np.array([(0, 1, 0, 0, -1, 0, 2), (1, 1, 1, 0, -1, 2, 4)], instance)
        file["pred_points"] = np.array(
            [(1, 2, 1, 0, 0.9), (3, 4, 1, 0, 0.8), (5, 6, 1, 0, 1), (7, 8, 0, 0, 0)], point
        )
        file["points"] = np.zeros(0, point)
    first, second = look_at([tmp_path / "labels.slp"]).recordings
    assert (first.name, first.media, first.parts) == ("labels_a", "a", ("nose", "tail"))
    points = first.load().positions
    assert points.shape == (5, 1, 2, 2)
    assert points[4, 0].tolist() == [[0.5, 1.5], [2.5, 3.5]], (
        "older files count from the pixel's corner"
    )
    assert np.isnan(second.load().positions[2, 0, 1]).all()
