"""Tables of predictions on disk say the same as those in memory, a unit at a time."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import DataError
from core.evaluation.predictions import Predictions, joined
from core.evaluation.stored_predictions import StoredPredictions, require_same_units

FRAMES, LABELS = 50, ("a", "b")


def stored(path: Path, units: str, columns: int = 2, dictionary: bool = False) -> Predictions:
    """Write predictions whose units are spread over several row groups; return them."""
    random = np.random.default_rng(len(units))
    names = pa.array(np.repeat([*units], FRAMES), pa.string())
    table = pa.table(
        {
            "unit": names.dictionary_encode() if dictionary else names,
            "frame": np.tile(np.arange(FRAMES, dtype=np.int32), len(units)),
            "label": pa.array(["a"] * FRAMES * len(units)),
            **{
                f"probability/{label}": random.random(FRAMES * len(units), np.float32)
                for label in LABELS[:columns]
            },
        }
    )
    pq.write_table(table, path, row_group_size=30)
    return Predictions.of(table)


@pytest.mark.parametrize("dictionary", [False, True])
def test_units_are_those_of_the_whole_tables(tmp_path: Path, dictionary: bool) -> None:
    paths = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    parts = [stored(paths[0], "wz", dictionary=dictionary), stored(paths[1], "xay")]
    whole, found = joined(parts), StoredPredictions(paths)
    assert (found.units, found.labels) == (whole.units, LABELS)
    assert found.examples == len(whole.probabilities)
    assert found.whole().table().equals(whole.table())
    by_unit = [found.of_unit(unit).table() for unit in found.units]
    assert [len(table) for table in by_unit] == [FRAMES] * 5
    assert pa.concat_tables(by_unit).equals(whole.table())
    for unit, table in zip(found.units, by_unit, strict=True):
        assert whole.of_unit(unit).table().equals(table)


def test_what_does_not_belong_together_is_refused(tmp_path: Path) -> None:
    one, other, fewer = (tmp_path / f"{number}.parquet" for number in range(3))
    stored(one, "uv")
    stored(other, "vw")
    stored(fewer, "x", columns=1)
    with pytest.raises(DataError, match="v is predicted in two of the folds"):
        StoredPredictions([one, other])
    with pytest.raises(DataError, match=r"same labels \(a, b; a\)"):
        StoredPredictions([one, fewer])
    first, second = StoredPredictions([one]), StoredPredictions([other])
    require_same_units([first, first], ["x", "y"])
    with pytest.raises(DataError, match=r"differ \(x: 2 units, y: 2, 1 in common\)"):
        require_same_units([first, second], ["x", "y"])


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    with pytest.raises(DataError, match="not there"):
        StoredPredictions([path])
    path.write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="not a table of predictions"):
        StoredPredictions([path])
    pq.write_table(pa.table({"unit": ["u"]}), path)
    with pytest.raises(DataError, match="column 'probability/' is missing"):
        StoredPredictions([path])
