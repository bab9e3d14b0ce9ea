from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data import tracking
from core.data.tracking import count_frames, read_positions
from core.errors import DataError

SLOTS = ("nose", "neck", "tail_base")
COLUMNS = ("video_frame", "mouse_id", "bodypart", "x", "y")


def write(path: Path, rows: list[tuple[int, int, str, float, float]], **options: object) -> Path:
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * 5
    kinds = (pa.int32(), pa.int8(), pa.string(), pa.float32(), pa.float32())
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    pq.write_table(pa.table(dict(zip(COLUMNS, arrays, strict=True))), path, **options)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "video.parquet"


def test_rows_land_at_their_frame_mouse_and_slot(path: Path) -> None:
    write(path, [(2, 2, "tail_base", 5, 6), (0, 1, "nose", 1, 2)])  # out of order
    tracking = read_positions(path, SLOTS, max_mice=2)
    assert tracking.positions.shape == (3, 2, 3, 2)
    assert tracking.positions.dtype == np.float32
    assert tracking.positions[0, 0, 0].tolist() == [1, 2]
    assert tracking.positions[2, 1, 2].tolist() == [5, 6]
    assert np.isnan(tracking.positions).sum() == tracking.positions.size - 4
    assert (tracking.frames, tracking.duplicates) == (3, 0)


def test_frames_that_do_not_start_at_0_keep_their_number(path: Path) -> None:
    write(path, [(5, 1, "nose", 1, 2)])
    tracking = read_positions(path, SLOTS, max_mice=1)
    assert tracking.frames == 6
    assert tracking.positions[5, 0, 0].tolist() == [1, 2]
    assert np.isnan(tracking.positions[:5]).all()


def test_mice_fill_slots_in_the_order_of_their_ids_and_the_rest_is_left_out(path: Path) -> None:
    write(path, [(0, mouse, "nose", mouse, mouse) for mouse in (4, 2, 3)])
    tracking = read_positions(path, SLOTS, max_mice=2)
    assert (tracking.mouse_ids, tracking.left_out) == ((2, 3), (4,))
    assert tracking.positions[0, :, 0, 0].tolist() == [2, 3]
    assert tracking.duplicates == 0


def test_slots_without_a_mouse_are_empty(path: Path) -> None:
    write(path, [(0, 1, "nose", 1, 1)])
    tracking = read_positions(path, SLOTS, max_mice=4)
    assert tracking.positions.shape == (1, 4, 3, 2)
    assert np.isnan(tracking.positions[:, 1:]).all()


def test_last_duplicate_wins_and_is_counted(path: Path) -> None:
    write(path, [(0, 1, "nose", 1, 1), (0, 1, "neck", 7, 7), (0, 1, "nose", 2, 2)])
    tracking = read_positions(path, SLOTS, max_mice=1)
    assert tracking.positions[0, 0, 0].tolist() == [2, 2]
    assert tracking.duplicates == 1


@pytest.mark.parametrize("bad", [(np.nan, 1.0), (1.0, np.inf), (-np.inf, np.nan)])
def test_non_finite_points_count_as_missing(path: Path, bad: tuple[float, float]) -> None:
    write(path, [(0, 1, "nose", *bad), (1, 1, "nose", 3, 4)])
    tracking = read_positions(path, SLOTS, max_mice=1)
    assert np.isnan(tracking.positions[0]).all()
    assert tracking.positions[1, 0, 0].tolist() == [3, 4]
    assert (tracking.non_finite, tracking.duplicates) == (1, 0)


@pytest.mark.parametrize("bad", [(1e30, 1.0), (1.0, -2e5)])
def test_points_nowhere_near_the_picture_count_as_missing(
    path: Path, bad: tuple[float, float]
) -> None:
    write(path, [(0, 1, "nose", *bad), (1, 1, "nose", 3, 4)])
    tracking = read_positions(path, SLOTS, max_mice=1)
    assert np.isnan(tracking.positions[0]).all()
    assert tracking.positions[1, 0, 0].tolist() == [3, 4]
    assert (tracking.far_off, tracking.non_finite, tracking.duplicates) == (1, 0, 0)


def test_aliases_and_parts_without_a_slot(path: Path) -> None:
    write(
        path,
        [(0, 1, "head", 1, 2), (0, 1, "headpiece_topbackleft", 9, 9), (0, 1, "whisker", 9, 9)],
    )
    tracking = read_positions(path, SLOTS, max_mice=1)
    assert tracking.positions[0, 0, 1].tolist() == [1, 2]
    assert tracking.dropped == {"headpiece_topbackleft": 1, "whisker": 1}


rows = st.tuples(
    st.integers(0, 9),
    st.integers(1, 3),
    st.sampled_from([*SLOTS, "head", "whisker"]),
    st.floats(-100, 100, width=32) | st.just(float("nan")),
    st.floats(-100, 100, width=32),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(rows, min_size=1, max_size=60), st.integers(1, 4), st.integers(1, 7))
def test_any_rows_give_what_a_loop_over_them_gives(
    tmp_path_factory: pytest.TempPathFactory, rows: list, max_mice: int, group: int
) -> None:
    # small row groups give each chunk its own dictionary of body parts
    path = write(tmp_path_factory.mktemp("rows") / "v.parquet", rows, row_group_size=group)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracking, "CHUNK_ROWS", 5)
        found = read_positions(path, SLOTS, max_mice)
    expected = np.full((max(row[0] for row in rows) + 1, max_mice, 3, 2), np.nan, np.float32)
    mice = sorted({row[1] for row in rows})[:max_mice]
    for frame, mouse, part, x, y in rows:
        name = "neck" if part == "head" else part
        if mouse in mice and name in SLOTS and np.isfinite(x):
            expected[frame, mice.index(mouse), SLOTS.index(name)] = x, y
    np.testing.assert_array_equal(found.positions, expected)
    assert found.dropped.get("whisker", 0) == sum(row[2] == "whisker" for row in rows)
    assert count_frames(path) == found.frames


def test_wider_and_already_coded_columns_are_read_too(path: Path) -> None:
    table = pa.table(
        {
            "video_frame": pa.array([0, 1], pa.int64()),
            "mouse_id": pa.array([1, 1], pa.int64()),
            "bodypart": pa.array(["nose", "neck"], pa.large_string()).dictionary_encode(),
            "x": pa.array([1.0, None], pa.float64()),
            "y": pa.array([3, 4], pa.int16()),
            "likelihood": pa.array([0.5, 0.5]),
        }
    )
    pq.write_table(table, path)
    tracking = read_positions(path, SLOTS, max_mice=1)
    assert tracking.positions[0, 0, 0].tolist() == [1, 3]
    assert np.isnan(tracking.positions[1]).all()
    assert tracking.non_finite == 1


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([], "holds no rows"),
        ([(0, 1, "nose", 0, 0), (-3, 1, "nose", 1, 1)], "'video_frame' is -3 in row 1"),
        ([(0, -2, "nose", 1, 1)], "'mouse_id' is -2 in row 0"),
        ([(1_999_999_999, 1, "nose", 1, 1)], "'video_frame' is 1999999999 in row 0"),
    ],
)
def test_impossible_rows_are_errors(path: Path, rows: list, problem: str) -> None:
    write(path, rows)
    with pytest.raises(DataError) as error:
        read_positions(path, SLOTS, max_mice=2)
    assert str(path) in str(error.value)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_frames_are_counted_without_statistics(path: Path) -> None:
    write(path, [(7, 1, "nose", 0, 0), (3, 1, "nose", 0, 0)], write_statistics=False)
    assert count_frames(path) == 8


def test_counting_frames_of_an_empty_table_is_an_error(path: Path) -> None:
    write(path, [])
    with pytest.raises(DataError, match="holds no rows"):
        count_frames(path)
