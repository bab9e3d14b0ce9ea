from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import DataError
from core.evaluation.table import Confusions, evaluation_table, read_confusions


def confusions() -> Confusions:
    counts = np.random.default_rng(1).integers(0, 50, (3, 4, 4))
    return Confusions(("7", "a", "3"), ("other", "social", "mating", "aggressive"), counts)


def test_survives_a_file(tmp_path: Path) -> None:
    path = tmp_path / "best.parquet"
    pq.write_table(evaluation_table(confusions()), path)
    again = read_confusions(path)
    assert (again.videos, again.classes) == (confusions().videos, confusions().classes)
    np.testing.assert_array_equal(again.counts, confusions().counts)


def test_rows_are_what_they_say() -> None:
    table = evaluation_table(confusions()).to_pandas()
    row = table[
        (table.video_id == "a")
        & (table.true_class == "mating")
        & (table.predicted_class == "social")
    ]
    assert row.frames.tolist() == [confusions().counts[1, 2, 1]]


def test_reordered_by_video() -> None:
    np.testing.assert_array_equal(
        confusions().reordered(("3", "7", "a")).counts, confusions().counts[[2, 0, 1]]
    )


@pytest.mark.parametrize("content", [None, b"", b"PAR1 but no more", "foreign", "cut"])
def test_what_is_no_table_is_said_in_a_line(tmp_path: Path, content: bytes | str | None) -> None:
    path = tmp_path / "best.parquet"
    if content == "foreign":
        pq.write_table(pa.table({"x": [1]}), path)
    elif content == "cut":
        pq.write_table(evaluation_table(confusions()).slice(0, 20), path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"best\.parquet") as caught:
        read_confusions(path)
    assert "\n" not in str(caught.value)
