from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.training import kept_predictions
from core.training.kept_predictions import predictions_file


def some(first: int) -> pa.Table:
    unit = pa.DictionaryArray.from_arrays([0] * 3, pa.array([f"u{first}"]))
    return pa.table({"unit": unit, "frame": [first, first + 1, first + 2]})


def test_parts_make_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_predictions, "ROWS_AT_ONCE", 5)
    path = tmp_path / "predictions.parquet"
    with predictions_file(path) as file:
        for first in (0, 3, 6):
            file.append(some(first))
        file.kept = True
    table = pq.read_table(path)
    assert table["frame"].to_pylist() == list(range(9))
    assert table["unit"].to_pylist() == ["u0"] * 3 + ["u3"] * 3 + ["u6"] * 3


def test_what_is_not_kept_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "predictions.parquet"
    path.write_bytes(b"before")
    with predictions_file(path) as file:
        file.append(some(0))
    with pytest.raises(ZeroDivisionError), predictions_file(path) as file:
        file.kept = True
        file.append(some(0))
        1 / 0  # noqa: B018
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"before"
