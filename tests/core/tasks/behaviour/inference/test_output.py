"""Prediction files: columns, bouts, and atomic writes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import UserError
from core.postprocess.rules import Rules
from core.tasks.behaviour.inference.output import write_predictions
from core.tasks.behaviour.inference.prediction import VideoPrediction

CLASSES = ("other", "social", "mating")
READERS = {
    ".parquet": pd.read_parquet,
    ".csv": lambda path: pd.read_csv(path, dtype={"video_id": str}),
}


def prediction(video_id: str, classes: list[int]) -> VideoPrediction:
    indices = np.array(classes, np.uint8)
    certain = np.full((len(classes), 3), 0.125, np.float32)
    certain[np.arange(len(classes)), indices] = 0.75
    return VideoPrediction(video_id, "lab", certain, indices)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_frames_and_bouts_of_several_videos(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "new" / f"answers{suffix}"
    videos = [prediction("007", [0, 1, 1, 2]), prediction("8", [0, 0])]
    written = write_predictions(path, iter(videos), CLASSES)
    assert (written.videos, written.frames, written.bouts) == (2, 6, 2)
    frames = READERS[suffix](path)
    assert list(frames) == [
        *("video_id", "video_frame", "predicted_class", "p_other", "p_social", "p_mating")
    ]
    assert frames["video_id"].tolist() == ["007"] * 4 + ["8"] * 2
    assert frames["video_frame"].tolist() == [0, 1, 2, 3, 0, 1]
    assert frames["predicted_class"].tolist()[:4] == ["other", "social", "social", "mating"]
    assert frames["p_social"].tolist() == [0.125, 0.75, 0.75, 0.125, 0.125, 0.125]
    bouts = READERS[suffix](tmp_path / "new" / f"answers.bouts{suffix}")
    assert bouts.to_dict("records") == [
        {"video_id": "007", "class": name, "start_frame": start, "stop_frame": stop,
         "mean_probability": 0.75}
        for name, start, stop in [("social", 1, 3), ("mating", 3, 4)]
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_no_videos_give_files_with_their_columns(tmp_path: Path, suffix: str) -> None:
    written = write_predictions(tmp_path / f"none{suffix}", [], CLASSES)
    assert len(READERS[suffix](written.frames_path)) == 0
    assert list(READERS[suffix](written.bouts_path))[:2] == ["video_id", "class"]


def test_rules_shape_the_bouts_and_leave_the_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    written = write_predictions(
        path,
        [prediction("v", [1, 0, 1, 0, 2])],
        CLASSES,
        Rules.likeliest(merge_gap=1, min_frames=2),
    )
    assert written.bouts == 1
    assert pd.read_parquet(path)["predicted_class"].tolist()[1] == "other"


@pytest.mark.parametrize("name", ["answers.txt", "answers", "answers.parquet.gz"])
def test_an_unknown_suffix_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"\.parquet or \.csv") as caught:
        write_predictions(tmp_path / name, [], CLASSES)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_failure_half_way_leaves_what_was_there(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"answers{suffix}"
    write_predictions(path, [prediction("1", [0, 1])], CLASSES)
    before = {each: each.read_bytes() for each in tmp_path.iterdir()}

    def failing() -> Iterator[VideoPrediction]:
        yield prediction("2", [1, 1])
        raise UserError("a damaged video")

    with pytest.raises(UserError, match="a damaged video"):
        write_predictions(path, failing(), CLASSES)
    assert {each: each.read_bytes() for each in tmp_path.iterdir()} == before


def test_videos_are_asked_for_one_at_a_time(tmp_path: Path) -> None:
    alive: list[int] = []

    def videos() -> Iterator[VideoPrediction]:
        for number in range(3):
            alive.append(number)
            assert len(alive) == 1
            yield prediction(str(number), [number])
            alive.remove(number)

    assert write_predictions(tmp_path / "a.csv", videos(), CLASSES).videos == 3
