"""Slices: kept by hand, measured for every version from kept predictions or by a checkpoint."""

import datetime as dt
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.config.registry import default_path, load
from core.errors import DataError, RunError
from core.run.request import Resolved, RunRequest
from core.run.rundir import RunDir, new_run_id
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.runs.comparison.slice_scores import KEPT, SliceScore, slice_scores
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.videos.slices import Slices, Stretch, VideoSlice, require_video
from mabe_tui.tui.screens.video.slicing import read_entry, stretch_at
from tests.mabe_tui.tui.made_video import BOUTS, made_answer, made_video

CLASSES = ("other", "social", "mating", "aggressive")
FRAMES = 100
TRUTH = np.repeat([0, 1, 2, 0], 25)


def stretch(start: int, stop: int, video: str = "a") -> Stretch:
    return Stretch(video=video, start=start, stop=stop)


def kept_run(home: Path, version: str, predicted: np.ndarray, validation: tuple[str, ...]) -> None:
    created = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    run = RunDir(home / "runs" / new_run_id(version, created))
    resolved = Resolved(
        code_version="c", data_fingerprint="d", train_units=("b",), validation_units=validation,
        torch="2", threads=1, device="cpu",
    )  # fmt: skip
    run.write_request(
        RunRequest(
            run=run.id, created=created, launcher="local", seed=1, resolved=resolved,
            experiment=BehaviourExperiment(name=version),
        )
    )  # fmt: skip
    run.predictions.parent.mkdir(parents=True)
    probabilities = np.eye(4, dtype=np.float32)[predicted]
    columns = {f"probability/{name}": probabilities[:, n] for n, name in enumerate(CLASSES)}
    names = [CLASSES[n] for n in TRUTH]
    table = pa.table(
        {"unit": ["a"] * FRAMES, "frame": np.arange(FRAMES, dtype=np.int32), "label": names}
        | {name: np.ascontiguousarray(column) for name, column in columns.items()}
    )
    pq.write_table(table, run.predictions)


def scores_of(home: Path, *stretches: Stretch) -> dict[str, SliceScore]:
    chosen = VideoSlice(stretches=stretches)
    found = slice_scores(chosen, RunStore(home), load(default_path()))
    return {score.version: score for score in found}


def test_stretches_are_merged_and_a_comment_stays(tmp_path: Path) -> None:
    slices = Slices(tmp_path)
    assert slices.read() == {}
    slices.add("dark", stretch(10, 20), "overlap")
    slices.add("dark", stretch(0, 5, "b"))
    made = slices.add("dark", stretch(15, 30))
    assert made == VideoSlice(comment="overlap", stretches=(stretch(10, 30), stretch(0, 5, "b")))
    assert made.frames == 25
    assert slices.find("dark") == made
    slices.remove("dark")
    assert slices.read() == {}


@pytest.mark.parametrize(("name", "start", "stop"), [("", 0, 1), ("a\nb", 0, 1), ("a", 5, 5)])
def test_what_is_no_slice_is_refused(tmp_path: Path, name: str, start: int, stop: int) -> None:
    with pytest.raises(RunError):
        Slices(tmp_path).add(name, stretch(start, stop))
    assert not Slices(tmp_path).path.exists()


def test_a_damaged_file_is_refused_and_stays(tmp_path: Path) -> None:
    slices = Slices(tmp_path)
    slices.path.write_text('{"dark": 3}')
    with pytest.raises(DataError, match="mend it, or move it away"):
        slices.add("dark", stretch(0, 1))
    assert slices.path.read_text() == '{"dark": 3}'


def test_an_unknown_name_names_the_nearest(tmp_path: Path) -> None:
    Slices(tmp_path).add("dark", stretch(0, 1))
    with pytest.raises(RunError, match="did you mean 'dark'"):
        Slices(tmp_path).find("drak")


def test_two_writers_keep_what_both_added(tmp_path: Path) -> None:
    def add(name: str) -> None:
        for number in range(5):
            Slices(tmp_path).add(f"{name}{number}", stretch(0, 1))

    threads = [threading.Thread(target=add, args=(name,)) for name in "ab"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(Slices(tmp_path).read()) == 10


def test_every_version_is_measured_or_says_why_not(tmp_path: Path) -> None:
    kept_run(tmp_path, "v5", TRUTH, ("a",))  # the truth itself
    shuffled = np.random.default_rng(0).permutation(TRUTH)
    kept_run(tmp_path, "v6", shuffled, ("a",))
    kept_run(tmp_path, "v7", TRUTH, ("c",))
    found = scores_of(tmp_path, stretch(30, 70))
    assert (found["v5"].score, found["v5"].wrong, found["v5"].measured_by) == (1.0, 0.0, KEPT)
    assert found["v6"].score is not None
    assert found["v6"].score < 0.6
    assert found["v7"].problem == "a is not among its validation videos"


def test_frames_that_were_learned_from_or_do_not_exist_have_no_score(tmp_path: Path) -> None:
    kept_run(tmp_path, "v5", TRUTH, ("a",))
    assert "it was trained on b" in (scores_of(tmp_path, stretch(0, 9, "b"))["v5"].problem or "")
    assert "has the frames 0 to 99" in (scores_of(tmp_path, stretch(90, 120))["v5"].problem or "")
    assert scores_of(tmp_path)["v5"].problem == "the slice has no frames"
    with pytest.raises(RunError, match="no run here was validated on a video 'z'"):
        require_video(RunStore(tmp_path), "z")


def test_a_bout_under_the_cursor_is_its_stretch() -> None:
    watched = made_answer(made_video("m"))
    _, _, start, stop = BOUTS[0]
    assert stretch_at(watched, start + 3) == stretch(start, stop, "m")
    late = stretch_at(watched, stop + 3)  # predicted, 25 frames late
    assert (late.start, late.stop) == (start + 25, stop + 25)
    assert stretch_at(watched, 0).start == 0
    assert read_entry("dark 'two mice' overlap") == ("dark", "two mice overlap")
