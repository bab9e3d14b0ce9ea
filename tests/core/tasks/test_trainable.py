"""Errors raised before a run begins, from the annotations alone."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.data.competition import Video
from core.errors import DataError
from core.tasks.behaviour.labelled_frames import require_trainable
from core.tasks.behaviour.settings import BehaviourDataConfig, BehaviourExperiment


def video(folder: Path, name: str, *actions: str) -> Video:
    path = folder / f"{name}.parquet"
    columns = {
        "agent_id": [1] * len(actions),
        "target_id": [2] * len(actions),
        "action": pa.array(actions, pa.string()),
        "start_frame": [0] * len(actions),
        "stop_frame": [5] * len(actions),
    }
    pq.write_table(pa.table(columns), path)
    return Video(
        lab_id="lab", video_id=name, frames_per_second=30.0, duration_seconds=1.0,
        pixels_per_cm=None, width=None, height=None, mice=(1, 2), body_parts=(), behaviors=(),
        tracking_path=folder / "none", annotation_path=path, row=2,
    )  # fmt: skip


def experiment(**data: object) -> BehaviourExperiment:
    actions = {"attack": "aggressive", "sniff": "other"}
    return BehaviourExperiment(name="v6", data=BehaviourDataConfig(**data), actions=actions)  # type: ignore[arg-type] # names and values are the test's


def test_one_bout_of_a_class_is_enough(tmp_path: Path) -> None:
    videos = [video(tmp_path, name, "interact", "attack") for name in "abc"]
    require_trainable(experiment(), videos)


def test_actions_that_no_map_knows(tmp_path: Path) -> None:
    videos = [video(tmp_path, name, "interact", "sniff") for name in "abc"]
    with pytest.raises(DataError, match=r"does not name interact \(2\): `--set actions.interact="):
        require_trainable(experiment(), videos)
    unlabelled = [video(tmp_path, name) for name in "abc"]
    with pytest.raises(DataError, match="name no action of another class"):
        require_trainable(experiment(), unlabelled)


def test_a_split_without_validation(tmp_path: Path) -> None:
    one = [video(tmp_path, "a", "attack")]
    with pytest.raises(DataError, match="no frames to validate on among its 1 labelled videos"):
        require_trainable(experiment(), one)
    with pytest.raises(DataError, match="no labelled video x; the nearest to x is a"):
        require_trainable(experiment(validation_videos=("x",)), one)


def test_one_video_is_enough_where_nothing_is_validated(tmp_path: Path) -> None:
    require_trainable(experiment(validation_fraction=0.0), [video(tmp_path, "a", "attack")])


def test_what_cannot_be_read_is_named_when_it_is_prepared(tmp_path: Path) -> None:
    videos = [video(tmp_path, name, "attack") for name in "ab"]
    for each in videos:
        each.annotation_path.write_bytes(b"no parquet")
    require_trainable(experiment(), videos)
