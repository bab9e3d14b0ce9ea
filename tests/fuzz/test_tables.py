"""Any files in a data folder are read or rejected in one line, without warnings of libraries."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.check import check
from core.data.competition import most_frames, read_bouts, read_videos
from core.data.keypoints import SLOTS_18
from core.data.labels import ActionMap, frame_classes
from core.data.tracking import read_positions
from core.errors import DataError
from tests.core.data.conftest import Layout
from tests.fuzz.refusal import require_one_line

FUZZ = settings.get_profile("fuzz")
MAP = ActionMap({"sniff": "social"}, ("other", "social"))
ROWS = 6
INTEGERS = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint64())
FLOATS = (pa.float16(), pa.float32(), pa.float64(), pa.int32())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = Layout(tmp_path_factory.mktemp("fuzz") / "data")
    layout.add("7")
    layout.write()
    return layout


def integers(data: Any, usual: int) -> pa.Array:
    kind = data.draw(st.sampled_from(INTEGERS))
    bits = kind.bit_width
    low, high = (0, 2**64 - 1) if kind == pa.uint64() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    value = (
        st.integers(0, usual)
        | st.integers(low, high)
        | (st.none() if data.draw(st.booleans()) else st.nothing())
    )
    return pa.array(data.draw(st.lists(value, min_size=ROWS, max_size=ROWS)), kind)


def floats(data: Any) -> pa.Array:
    kind = data.draw(st.sampled_from(FLOATS))
    if kind == pa.int32():
        values: Any = st.integers(-(2**31), 2**31 - 1)
    else:
        values = st.floats(width=kind.bit_width) | st.sampled_from([0.0, 5.0, 99.0])
    drawn = data.draw(st.lists(values, min_size=ROWS, max_size=ROWS))
    return pa.array(np.array(drawn, kind.to_pandas_dtype()), kind)


def texts(data: Any, usual: list[str]) -> pa.Array:
    value = st.sampled_from(usual) | st.text(max_size=8)
    drawn = pa.array(data.draw(st.lists(value, min_size=ROWS, max_size=ROWS)), pa.string())
    return drawn.dictionary_encode() if data.draw(st.booleans()) else drawn


def look(folder: Layout) -> None:
    """Read the folder as check and prepare do."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = check(folder.root, MAP, keypoints="mabe18")
        json.dumps([problem.places for problem in report.problems])
        for video in read_videos(folder.root):
            try:
                tracking = read_positions(
                    video.tracking_path, SLOTS_18, 2, most_frames=most_frames(video)
                )
                frame_classes(read_bouts(video), tracking.frames, MAP)
            except DataError as error:
                require_one_line(error)


@FUZZ
@given(data=st.data())
def test_any_tracking(folder: Layout, data: Any) -> None:
    table = {
        "video_frame": integers(data, 9),
        "mouse_id": integers(data, 3),
        "bodypart": texts(data, ["nose", "head", "neck", "tail_tip"]),
        "x": floats(data),
        "y": floats(data),
    }
    pq.write_table(pa.table(table), folder.tracking_path("7"))
    look(folder)


@FUZZ
@given(data=st.data())
def test_any_annotation(folder: Layout, data: Any) -> None:
    table = {
        "agent_id": integers(data, 3),
        "target_id": integers(data, 3),
        "action": texts(data, ["sniff", "rear"]),
        "start_frame": integers(data, 9),
        "stop_frame": integers(data, 9),
    }
    pq.write_table(pa.table(table), folder.annotation_path("7"))
    look(folder)


CELLS = st.one_of(
    st.text(max_size=12),
    st.floats().map(str),
    st.sampled_from(["", "nan", "[]", '["mouse1,mouse2,sniff"]', "[" * 3000, "\x1b[2J", "-1"]),
)


@FUZZ
@given(data=st.data())
def test_any_cell_of_the_table(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    layout = Layout(tmp_path_factory.getbasetemp() / "cells")
    layout.rows = [layout.row("7")]
    for column in data.draw(st.lists(st.sampled_from(sorted(layout.rows[0])), max_size=3)):
        layout.rows[0][column] = data.draw(CELLS)
    root: Path = layout.write()
    try:
        read_videos(root)
    except DataError as error:
        require_one_line(error)
    check(root, MAP)
