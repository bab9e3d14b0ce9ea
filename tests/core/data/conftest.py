"""A small hand-written data folder in the competition's layout."""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Point = tuple[int, int, str, float, float]
"""Frame, mouse, body part, x, y."""
Bout = tuple[int, int, str, int, int]
"""Agent, target, action, start, stop."""


def tracking_table(points: Iterable[Point]) -> pa.Table:
    frame, mouse, part, x, y = [list(column) for column in zip(*points, strict=True)] or [[]] * 5
    return pa.table(
        {
            "video_frame": pa.array(frame, pa.int32()),
            "mouse_id": pa.array(mouse, pa.int8()),
            "bodypart": pa.array(part, pa.string()),
            "x": pa.array(x, pa.float32()),
            "y": pa.array(y, pa.float32()),
        }
    )


def bout_table(bouts: Iterable[Bout]) -> pa.Table:
    agent, target, action, start, stop = [list(c) for c in zip(*bouts, strict=True)] or [[]] * 5
    return pa.table(
        {
            "agent_id": pa.array(agent, pa.int8()),
            "target_id": pa.array(target, pa.int8()),
            "action": pa.array(action, pa.string()),
            "start_frame": pa.array(start, pa.int16()),
            "stop_frame": pa.array(stop, pa.int16()),
        }
    )


def regular(frames: int, mice: int = 2, parts: Iterable[str] = ("nose", "neck")) -> list[Point]:
    """Return every point of every frame; x counts frames, y identifies mice and parts."""
    return [
        (frame, mouse, part, float(frame), 10.0 * mouse + index)
        for frame in range(frames)
        for mouse in range(1, mice + 1)
        for index, part in enumerate(parts)
    ]


@dataclass
class Layout:
    """A data folder under construction."""

    root: Path
    rows: list[dict[str, Any]] = field(default_factory=list)

    def tracking_path(self, video: str) -> Path:
        return self.root / "train_tracking" / "lab" / f"{video}.parquet"

    def annotation_path(self, video: str) -> Path:
        return self.root / "train_annotation" / "lab" / f"{video}.parquet"

    def add(
        self,
        video: str,
        points: Iterable[Point] | None = None,
        bouts: Iterable[Bout] = ((1, 2, "sniff", 2, 5),),
        **cells: Any,
    ) -> None:
        """Write a video's files and record its row; ``cells`` override the row's."""
        points = regular(10) if points is None else points
        for path, table in (
            (self.tracking_path(video), tracking_table(points)),
            (self.annotation_path(video), bout_table(bouts)),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, path)
        self.rows.append(self.row(video) | cells)

    @staticmethod
    def row(video: str) -> dict[str, Any]:
        return {
            "lab_id": "lab",
            "video_id": video,
            "mouse1_id": 1.0,
            "mouse2_id": 2.0,
            "frames_per_second": 30.0,
            "video_duration_sec": 0.3,
            "pix_per_cm_approx": 16.0,
            "video_width_pix": 100,
            "video_height_pix": 80,
            "body_parts_tracked": json.dumps(["nose", "neck"]),
            "behaviors_labeled": json.dumps(["mouse1,mouse2,sniff"]),
        }

    def write(self) -> Path:
        """Write ``train.csv``; return the folder."""
        self.root.mkdir(parents=True, exist_ok=True)
        columns = list(self.rows[0]) if self.rows else list(self.row(""))
        with (self.root / "train.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(self.rows)
        return self.root


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "data")


@pytest.fixture
def three_videos(layout: Layout) -> Path:
    """Three videos of 4, 7 and 5 frames."""
    nose = [(frame, mouse, "nose", frame, mouse) for frame in range(9) for mouse in (1, 2)]
    for video, frames in (("a", 4), ("b", 7), ("c", 5)):
        points = [point for point in nose if point[0] < frames]
        layout.add(video, points, [(1, 2, "sniff", 1, 3), (2, 2, "rear", 2, frames)])
    return layout.write()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"
