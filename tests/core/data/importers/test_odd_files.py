"""Malformed and odd files: each gives one clear line, or a count of what was left out."""

# ruff: noqa: E501 - a table of cases is read line by line

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest

from core.data.competition import read_bouts, read_tracking, read_videos
from core.data.importers.formats import look_at
from core.data.importers.importing import ImportReport, import_videos
from core.data.importers.mapping import Mapping, read_mapping
from core.data.importers.suggestion import completed
from core.errors import ConfigError, DataError
from tests.core.data.importers import made_files as made

Maker = Callable[[Path], list[Path]]
TWO = ("resident", "intruder")
FRAMES = 40


def poses(folder: Path, name: str = "film.csv", **options: Any) -> Path:
    return made.deeplabcut(folder / name, made.points(FRAMES), **options)


def edited(old: str, new: str, count: int = -1, **options: Any) -> Maker:
    """Return DeepLabCut's table with some text replaced."""

    def make(folder: Path) -> list[Path]:
        path = poses(folder, **options)
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, count))
        return [path]

    return make


def lines(change: Callable[[list[str]], list[str]]) -> Maker:
    """Return DeepLabCut's table with changed lines."""

    def make(folder: Path) -> list[Path]:
        path = poses(folder)
        path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
        return [path]

    return make


def content(name: str, text: str | bytes, with_poses: bool = True) -> Maker:
    """Return a file of this content, beside poses of ``film``."""

    def make(folder: Path) -> list[Path]:
        path = folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return [poses(folder), path] if with_poses else [path]

    return make


def events(*rows: tuple[object, str, str, str], **options: Any) -> Maker:
    """Return poses and BORIS's file of these rows: time, subject, behaviour, status."""

    def make(folder: Path) -> list[Path]:
        return [poses(folder), made.boris(folder / "labels.csv", rows, **options)]

    return make


def bout(start: object, stop: object, who: str = "resident", what: str = "attack") -> list[Any]:
    return [(start, who, what, "START"), (stop, who, what, "STOP")]


h5py = pytest.importorskip("h5py", reason="the extra `poses` is not installed")


class Refused(NamedTuple):
    """A file that is refused."""

    name: str
    make: Maker
    words: str
    """Regular expression that the error matches."""


REFUSED = [
    Refused("empty file", content("film.csv", "", False), "the file is empty"),
    Refused("only blanks", content("film.csv", "\n\n \n", False), "the file is empty"),
    Refused("a picture", content("film.png", b"\x89PNG\r\n\x1a\n\0\0", False), "known format"),
    Refused("a letter", content("film.txt", "Dear Ben,\nhere are the poses.\n", False), "Dear Ben"),
    Refused("half an HDF5", content("film.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 50, False), "HDF5"),
    Refused("half an npy", content("film.npy", b"\x93NUMPY\x01", False), "npy file"),
    Refused("plain npy", lambda f: _npy(f, np.zeros((3, 2))), "array of numbers without names"),
    Refused("half a JSON", content("film.json", '{"keypoints": [[1', False), "not a whole JSON"),
    Refused("JSON of something else", content("f.json", '{"a": {"keypoints": 1}}', False), "no sequence"),
    Refused("scorer row alone", lines(lambda rows: rows[:1]), "known format"),
    Refused("no body parts row", lines(lambda rows: [r for r in rows if "bodyparts" not in r]), "'bodyparts'"),
    Refused("no coords row", lines(lambda rows: [r for r in rows if "coords" not in r]), "'coords'"),
    Refused("header alone", lines(lambda rows: rows[:4]), "no frame could be read"),
    Refused("short row of individuals", edited(",intruder", "", 1), "'individuals' has 41 cells and 'coords' 42"),
    Refused("a cell too few", lines(lambda rows: [*rows[:9], rows[9].rpartition(",")[0], *rows[10:]]), "Expected 43"),
    Refused("a word among the numbers", lines(lambda rows: [*rows[:9], rows[9].replace("0.9", "good"), *rows[10:]]), "good"),
    Refused("x without y", edited("coords,x,y,likelihood", "coords,x,likelihood,likelihood2", 1), "only one of x and y"),
    Refused("a part twice", edited("leftear", "nose"), "two columns hold 'x' of 'nose'"),
    Refused("a frame twice", lines(lambda rows: [*rows, rows[-1]]), "frame 39 occurs twice"),
    Refused("frame numbers with decimals", lines(lambda rows: [*rows[:-1], "39.5" + rows[-1][2:]]), "39.5 in row 39"),
    Refused("negative frame", lines(lambda rows: [*rows[:4], "-1" + rows[4][1:], *rows[5:]]), "-1 in row 0"),
    Refused("times as frames", lines(lambda rows: [*rows[:-1], "1617000000000" + rows[-1][2:]]), "too large"),
    Refused("labelled images", edited("\n0,", "\nlabeled-data/film/img0.png,"), "images labelled for training"),
    Refused("no point at all", lambda f: [made.deeplabcut(f / "film.csv", np.full((5, 2, 7, 2), np.nan))], "5 frames without any point"),
    Refused("two videos of one name", lambda f: _twice(f), "both of the video 'film'"),
    Refused("no frame rate", lambda f: [poses(f)], "how many frames a second"),
    Refused("labels alone", lambda f: [made.boris(f / "film.csv", bout(0, 1))], "no file of poses"),
    Refused("START without STOP", events((1, "resident", "attack", "START")), "line 2: START of 'attack' of resident"),
    Refused("STOP without START", events((1, "resident", "attack", "STOP")), "line 2: STOP of 'attack'"),
    Refused("STOP before START", events(*bout(2, 1)), "stops at 1 s, before it starts at 2 s"),
    Refused("unknown status", events((1, "resident", "attack", "BEGIN")), "'BEGIN' is not START"),
    Refused("a time that is none", events(("soon", "resident", "attack", "POINT")), "'soon' is no time"),
    Refused("no behaviour", events((1, "resident", "", "POINT")), "line 2: no behaviour"),
    Refused("BORIS without events", events(), "no event below the header"),
    Refused("unknown subjects only", events(*bout(0, 1, "Mr X")), "who acts is not known.*Mr X"),
    Refused("labels of another video", events(*bout(0, 900)), "but the video has 40 frames"),
    Refused("two other videos in one BORIS file", lambda f: _two_media(f, "a.avi", "b.avi"), "labels of 'a', 'b' and poses of 'film'"),
    Refused("frames taken for seconds", content("t.csv", "behavior,start_s,stop_s\nattack,20,38\n"), "are they frames"),
    Refused("seconds or frames?", content("t.csv", "behavior,start,stop\nattack,20,38\n"), "seconds or frames"),
    Refused("bout that ends early", content("t.csv", "behavior,start_frame,stop_frame\nattack,8,3\n"), "stops at 3, before"),
    Refused("bout without a number", content("t.csv", "behavior,start_frame,stop_frame\nattack,,3\n"), "'' is no number"),
    Refused("bout without behaviour", content("t.csv", "behavior,start_frame,stop_frame\n,1,3\n"), "no behaviour is named"),
    Refused("table of bouts, header alone", content("t.csv", "behavior,start_frame,stop_frame\n"), "without a row"),
    Refused("frame table, frame twice", content("t.csv", "frame,attack\n0,1\n0,0\n"), "frame 0 occurs twice"),
    Refused("frame table, odd frame", content("t.csv", "frame,attack\n0,1\nx,0\n"), "'x' is no frame number"),
    Refused("frame table, a mark of 2", content("t.csv", "frame,attack\n" + "".join(f"{i},{2 * (i == 70)}\n" for i in range(90))), "line 72: 'attack' is '2', not 0 or 1"),
    Refused("Bento without behaviours", content("t.annot", "Bento annotation file\nMovie file(s):\n"), "no behaviour is listed"),
    Refused("Bento with a broken interval", lambda f: [poses(f), made.bento(f / "film.annot", "1.0\tx")], "no interval of two"),
    Refused("Bento backwards", lambda f: [poses(f), made.bento(f / "film.annot", "2.0\t1.0")], "stops at 1, before"),
    Refused("a label that no vocabulary has", lambda f: [made.calms21(f / "m.json", made.points(2), [0, 7], {"attack": 0})], "the label 7"),
    Refused("CalMS21 of three mice", lambda f: [made.calms21(f / "m.json", made.points(2, 3), [0, 0], {"attack": 0})], "not frames × 2 mice"),
    Refused("annotations of too few frames", lambda f: _calms21(f, annotations=[0]), "1 annotations for 2 frames"),
    Refused("annotations in words", lambda f: _calms21(f, annotations=["attack", "attack"]), "'annotations' .* no array of numbers"),
    Refused("annotations between two numbers", lambda f: _calms21(f, annotations=[0, 0.5]), "not all whole numbers"),
    Refused("a vocabulary without numbers", lambda f: _calms21(f, metadata={"vocab": {"attack": "x"}}), "behaviours and their numbers"),
    Refused("a vocabulary cut off", lambda f: _calms21(f, metadata={"vocab": "{'attack"}), "behaviours and their numbers"),
    Refused("a project of BORIS", content("f.boris", '{"observations": {}}', False), "export its events"),
    Refused("a quotation mark without end", content("t.csv", '"' + "a" * 200_000, False), "known format"),
    Refused("start in frames, duration in seconds", content("t.csv", "behavior,start_frame,duration_s\nattack,3,1\n"), "write both in one unit"),
    Refused("a folder of folders", lambda f: [_made(f / "all"), _made(f / "all" / "mice")][:1], "name them: mice"),
    Refused("a folder of letters", lambda f: _letters(f), "no file of poses or labels among the sources.*notes.txt"),
    Refused("two videos of one name, in two formats", lambda f: _namesakes(f), "both of the video 'film'"),
    Refused("NWB whose times go back", lambda f: [made.nwb(f / "f.nwb", made.points(9)[:, 0], [5, *range(8)])], "do not increase"),
    Refused("NWB with too few points", lambda f: [made.nwb(f / "f.nwb", made.points(9)[:, 0], np.arange(8) / 10)], "for 8 times"),
    Refused("NWB with too few confidences", lambda f: [made.nwb(f / "f.nwb", made.points(9)[:, 0], np.arange(9) / 10, np.ones(3))], "3 confidences for 9"),
    Refused("NWB of no frame rate", lambda f: [made.nwb(f / "f.nwb", made.points(9)[:, 0], 0.0)], "0 frames a second"),
    Refused("NWB whose times count frames: no frame rate", lambda f: [made.nwb(f / "f.nwb", made.points(9)[:, 0], np.arange(9))], "how many frames a second"),
    Refused("SimBA with a label of 2", lambda f: [made.simba_project(f / "p", made.points(3), [0, 2, 0])], "'Attack' is 2 in row 1"),
    Refused("SimBA without poses", lambda f: _bare_project(f), "without tables of poses"),
    Refused("empty folder", lambda f: [_made(f / "nothing")], "no file of poses or labels"),
    Refused("no such file", lambda f: [f / "gone.csv"], "no such file"),
    Refused("two files disagree about the frame rate", lambda f: [poses(f), made.boris(f / "film1.csv", bout(0, 1)), made.boris(f / "film2.csv", bout(0, 1), fps=25)], "10 frames a second and .* 25"),
]  # fmt: skip


def _calms21(folder: Path, **changed: Any) -> list[Path]:
    path = made.calms21(folder / "m.json", made.points(2), [0, 0], {"attack": 0})
    table = json.loads(path.read_text())
    for sequence in table["annotator-id_0"].values():
        sequence.update(changed)
    path.write_text(json.dumps(table))
    return [path]


def _letters(folder: Path) -> list[Path]:
    (_made(folder / "letters") / "notes.txt").write_text("the camera was moved\n")
    return [folder / "letters"]


def _namesakes(folder: Path) -> list[Path]:
    poses(_made(folder / "mice"))
    made.nwb(_made(folder / "flies") / "film.nwb", made.points(5)[:, 0], np.arange(5) / 10)
    return [folder / "mice", folder / "flies"]


def _npy(folder: Path, array: np.ndarray) -> list[Path]:
    np.save(folder / "film.npy", array)
    return [folder / "film.npy"]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _twice(folder: Path) -> list[Path]:
    return [poses(folder), poses(_made(folder / "again"))]


def _bare_project(folder: Path) -> list[Path]:
    made.simba_project(folder / "p", made.points(2), [0, 0])
    (folder / "p/project_folder/csv/targets_inserted/film.csv").unlink()
    return [folder / "p"]


def _two_media(folder: Path, first: str, second: str) -> list[Path]:
    one = made.boris(folder / "labels.csv", bout(0, 1), media=first)
    other = made.boris(folder / "other.csv", bout(1, 2), media=second)
    one.write_text(one.read_text() + "".join(other.read_text().splitlines(True)[1:]))
    return [poses(folder), one]


def imported(paths: list[Path], folder: Path, mapping: Mapping | None = None) -> ImportReport:
    found = look_at(paths)
    return import_videos(found, completed(mapping or Mapping(), found).mapping, folder)


@pytest.mark.parametrize("case", REFUSED, ids=[case.name for case in REFUSED])
def test_a_file_that_cannot_be_meant_is_refused_in_one_line(case: Refused, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=case.words) as error:
        imported(
            case.make(tmp_path),
            tmp_path / "out",
            Mapping(fps=None if "frame rate" in case.name else 10),
        )
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "out").glob("*.csv"))


class Odd(NamedTuple):
    """A file that is read, with what is told of it."""

    name: str
    make: Maker
    told: dict[str, Any]
    """Fields of the video's report, or of its omissions."""
    mapping: dict[str, Any] = {}  # noqa: RUF012


def _in_greek(folder: Path) -> list[Path]:
    return [
        poses(folder, animals=("άλφα", "βήτα")),
        made.boris(
            folder / "labels.csv", [*bout(0, 1, "άλφα", "οσμή"), *bout(0, 1, "βήτα", "οσμή")]
        ),
    ]


START = [(0.5, "resident", "attack", "START")]
ODD = [
    Odd("missing likelihood", lambda f: [poses(f, likelihood=None)], {"points": 560}, {"fps": 10, "likelihood_below": 0.5}),
    Odd("small likelihood", edited(",0.9\n", ",0.4\n"), {"points_unlikely": 40, "points": 520}, {"fps": 10, "likelihood_below": 0.5}),
    Odd("wrong scorer row", edited("scorer,DLC_net", "scorer,", 1), {"points": 560}, {"fps": 10}),
    Odd("semicolons and decimal commas", lambda f: [poses(f, separator=";", decimal=",")], {"points": 560}, {"fps": 10}),
    Odd("tabs", lambda f: [poses(f, separator="\t")], {"points": 560}, {"fps": 10}),
    Odd("UTF-16", lambda f: [poses(f, encoding="utf-16")], {"points": 560}, {"fps": 10}),
    Odd("byte order mark", lambda f: [poses(f, encoding="utf-8-sig")], {"points": 560}, {"fps": 10}),
    Odd("Latin-1 names", lambda f: [poses(f, animals=("männlich", "intruder"), encoding="cp1252")], {"points": 560}, {"fps": 10}),
    Odd("Windows line ends", lambda f: _with_returns(f), {"points": 560}, {"fps": 10}),
    Odd("an empty individual", lambda f: _with_nan(f, np.s_[:, 1]), {"points": 280, "mice": [1, 2]}, {"fps": 10}),
    Odd("empty frames at the end", lambda f: _with_nan(f, np.s_[30:]), {"frames": 30, "empty_frames_at_end": 10}, {"fps": 10}),
    Odd("points at the origin", lambda f: _with(f, np.s_[3, 0, 2], 0.0), {"points_at_origin": 1}, {"fps": 10}),
    Odd("points far off", lambda f: _with(f, np.s_[3, 0, 2], 1e9), {"points_far_off": 1}, {"fps": 10}),
    Odd("rows out of order", lines(lambda rows: [*rows[:4], *reversed(rows[4:])]), {"points": 560}, {"fps": 10}),
    Odd("frames that are left out", lines(lambda rows: [*rows[:10], *rows[20:]]), {"points": 420, "frames": 40}, {"fps": 10}),
    Odd("START without STOP, dropped", events(*START, *bout(1, 2)), {"bouts": 1, "open_events": 1}, {"labels": {"open_events": "drop"}}),
    Odd("START without STOP, to the end", events((0.5, "resident", "bite", "START"), *bout(1, 2)), {"bouts": 2}, {"labels": {"open_events": "end"}}),
    Odd("point events", events((1, "resident", "attack", "POINT")), {"bouts": 0, "point_events": 1}),
    Odd("point events with a length", events((1, "resident", "attack", "POINT")), {"bouts": 1}, {"labels": {"point_frames": 3}}),
    Odd("overlapping events", events(*bout(0, 2), *bout(1, 3)), {"bouts": 1, "merged": 1}),
    Odd("simultaneous behaviours", events(*bout(0, 2), *bout(1, 3, what="mount")), {"bouts": 2}),
    Odd("an unknown subject", events(*bout(0, 1), *bout(1, 2, "Mr X")), {"bouts": 1, "subjects": {"Mr X": 1}}),
    Odd("an event after the video", events(*bout(0, 1), *bout(4.05, 4.15)), {"bouts": 1, "outside": 1}),
    Odd("the other video in one BORIS file", lambda f: _two_media(f, "film.avi", "b.avi"), {"bouts": 1}),
    Odd("hours, minutes and seconds", events(*bout("00:00:01.5", "0:02")), {"bouts": 1}),
    Odd("events beyond both ends", events(*bout(-1, 1), *bout(3, 4.1)), {"bouts": 2, "cut": 2}),
    Odd("an event within one frame", events(*bout(0, 1), *bout(1.51, 1.53)), {"bouts": 1, "brief": 1}),
    Odd("names without a letter of ASCII", _in_greek, {"bouts_per_action": {"οσμή": 2}}),
    Odd("JSON with a byte order mark", lambda f: _marked(f), {"points": 28}, {"fps": 30}),
    Odd("Bento without a frame rate", lambda f: [made.deeplabcut(f / "film.csv", made.points(FRAMES, 1), ("a",)), _rateless(f)], {"bouts": 1}, {"fps": 10}),
    Odd("a point event without a stop", lambda f: [poses(f), _aggregated(f)], {"bouts": 1, "point_events": 1}),
    Odd("a table without some frames", content("film_l.csv", "frame,behavior\n0,attack\n5,attack\n6,none\n"), {"bouts": 1, "notes": ["4 frames between the first and the last have no row; a label goes on over them"]}, {"fps": 10, "labels": {"subjects": {"No focal subject": {"agent": 1}}}}),
    Odd("frames of a table", content("film_labels.csv", "subject,behavior,start_frame,stop_frame\nresident,attack,3,9\n"), {"bouts": 1}, {"fps": 10}),
]  # fmt: skip


def _with(folder: Path, where: Any, value: float) -> list[Path]:
    xy = made.points(FRAMES)
    xy[where] = value
    return [made.deeplabcut(folder / "film.csv", xy)]


def _marked(folder: Path) -> list[Path]:
    path = made.calms21(folder / "m.json", made.points(2), [0, 0], {"attack": 0})
    path.write_text(path.read_text(), encoding="utf-8-sig")
    return [path]


def _rateless(folder: Path) -> Path:
    path = made.bento(folder / "film.annot", "3\t5\t3")
    path.write_text(path.read_text().replace("framerate: 10.000000", "framerate: 0"))
    return path


def _aggregated(folder: Path) -> Path:
    path = folder / "events.csv"
    path.write_text(
        "Media file,FPS,Subject,Behavior,Behavior type,Start (s),Stop (s)\n"
        "film.avi,10,resident,attack,POINT,1,NA\nfilm.avi,10,resident,attack,STATE,1,2\n"
    )
    return path


def _with_nan(folder: Path, where: Any) -> list[Path]:
    return _with(folder, where, np.nan)


def _with_returns(folder: Path) -> list[Path]:
    path = poses(folder)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    return [path]


@pytest.mark.parametrize("case", ODD, ids=[case.name for case in ODD])
def test_an_odd_file_is_read_and_what_is_odd_is_counted(case: Odd, tmp_path: Path) -> None:
    mapping = msgspec.convert(case.mapping, Mapping)
    (video,) = imported(case.make(tmp_path), tmp_path / "out", mapping).videos
    told = json.loads(msgspec.json.encode(video))
    told |= told.pop("omitted")
    assert {name: told[name] for name in case.told} == case.told
    unlisted = {name: told[name] for name in SILENT if name not in case.told}
    assert not any(unlisted.values()), unlisted
    assert len(read_videos(tmp_path / "out")) == 1


SILENT = (
    "points_unlikely",
    "points_far_off",
    "subjects",
    "merged",
    "cut",
    "brief",
    "outside",
    "open_events",
    "behaviours",
)


def test_there_are_sixty_of_them() -> None:
    assert len(REFUSED) + len(ODD) >= 60


def test_the_names_of_many_videos_pair_them(tmp_path: Path) -> None:
    files = [poses(tmp_path, "m1-aDLC_resnet50.csv"), poses(tmp_path, "m1-b.csv")]
    files.append(made.boris(tmp_path / "events.csv", bout(0, 1), media="m1-a.mp4"))
    files.append(made.boris(tmp_path / "m1-b_scored.csv", bout(1, 2), media="b1.mp4"))
    report = imported(files, tmp_path / "out")
    assert {video.id: video.bouts for video in report.videos} == {"m1-a": 1, "m1-b": 1}
    starts = {
        video.video_id: int(read_bouts(video).start[0]) for video in read_videos(tmp_path / "out")
    }
    assert starts == {"m1-a": 0, "m1-b": 10}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("labb = 'x'", "unknown key; did you mean 'lab'"),
        ("fps = 'fast'", "fps: 'fast' is not a number"),
        ("[body_parts]\na = 'nose'\nb = 'nose'", "body_parts: nose is given twice"),
        ("[scale]\narena_cm = [50, 40]", "arena_cm and arena_pixels are needed together"),
        ("[scale]\npix_per_cm = 3\npoints = [[0, 0], [3, 4]]\npoints_cm = 1", "more than one way"),
        ("[labels.subjects]\na = { agent = 0 }", "agent: 0 is not"),
        ("lab = '../x'", "lab: '../x' is not"),
        ("[labels", "cannot be read"),
        (
            "[labels.subjects]\na = { agent = 1, tarjet = 2 }",
            "tarjet: unknown key; did you mean 'target'",
        ),
        (
            "[labels.behaviours]\na = 'sniff, face'",
            "labels.behaviours.a: 'sniff, face' holds a comma",
        ),
        ("[videos.film]\nid = '../x'", "videos.film.id: '../x' is no name of a file"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(text)
    with pytest.raises(ConfigError) as error:
        read_mapping(tmp_path / "map.toml")
    assert words in str(error.value)
    assert "map.toml" in str(error.value)


def test_names_of_a_mapping_that_no_source_has_are_told(tmp_path: Path) -> None:
    found = look_at([poses(tmp_path), made.boris(tmp_path / "labels.csv", bout(0, 1))])
    mapping = completed(Mapping(fps=10), found).mapping
    assert completed(mapping, found).unknown == ()
    labels = msgspec.structs.replace(mapping.labels, behaviours={"atack": "attack"})
    parts = {"noze" if part == "nose" else part: name for part, name in mapping.body_parts.items()}
    mistaken = msgspec.structs.replace(mapping, labels=labels, body_parts=parts)
    assert completed(mistaken, found).unknown == (
        "body_parts: no source has 'noze'; did you mean 'nose'?",
        "labels.behaviours: no source has 'atack'; did you mean 'attack'?",
    )


def test_tracks_that_swap_are_reported_and_undone_on_request(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    clean = rng.normal(0, 1, (FRAMES, 2, 1, 2)).cumsum(axis=0) + np.array([[[100.0]], [[400.0]]])
    clean = clean + np.linspace(0, 40, 7)[:, None]
    spoilt = clean.copy()
    spoilt[30:] = clean[30:, ::-1]
    found = look_at([made.deeplabcut(tmp_path / "film.csv", spoilt)])
    mapping = completed(Mapping(fps=10), found).mapping
    (told,) = import_videos(found, mapping, tmp_path / "as_is").videos
    (undone,) = import_videos(found, mapping, tmp_path / "undone", repair=True).videos
    assert (told.swaps, told.swaps_repaired) == ((30,), False)
    assert (undone.swaps, undone.swaps_repaired) == ((30,), True)
    (video,) = read_videos(tmp_path / "undone")
    positions = read_tracking(video, tuple(sorted(undone.body_parts)), 2).positions
    assert np.abs(positions[:, :, 0] - clean[:, :, 1]).max() < 1e-3, "ear_left"


def test_a_folder_may_hold_other_files_and_the_same_poses_twice(tmp_path: Path) -> None:
    folder = _made(tmp_path / "session")
    poses(folder, "filmDLC_net.csv")
    made.boris(folder / "film.csv", bout(0, 1))
    (folder / "notes.txt").write_text("the camera was moved\n")
    with h5py.File(folder / "filmDLC_net.h5", "w") as file:
        file["tracks"] = made.points(3).transpose(1, 3, 2, 0)
        file["node_names"] = [part.encode() for part in made.PARTS]
    report = imported([folder], tmp_path / "out")
    assert [(video.id, video.bouts) for video in report.videos] == [("film", 1)]
    assert [each.partition(": ")[2] for each in report.skipped] == [
        "the same poses as filmDLC_net.csv, in another format",
        "neither poses nor labels of a known format",
    ]


def test_a_name_with_points_is_not_cut_at_the_first(tmp_path: Path) -> None:
    folder = _made(tmp_path / "session")
    poses(folder, "2021.06.10 mouse.csv")
    poses(folder, "2021.06.11 mouse.csv")
    report = imported([folder], tmp_path / "out", Mapping(fps=10))
    assert (len(report.videos), report.skipped) == (2, ())
