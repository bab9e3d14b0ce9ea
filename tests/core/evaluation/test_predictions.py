from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import DataError
from core.evaluation.predictions import Predictions, joined, mean_of, read_predictions


def made_up(units: tuple[str, ...] = ("u", "v"), seed: int = 0, frames: int = 5) -> Predictions:
    """Return predictions of as many frames of each unit; their truth does not depend on the seed."""
    rng, count = np.random.default_rng(seed), frames * len(units)
    first = rng.random(count, dtype=np.float32)
    names = pa.array(np.repeat(np.array(units, dtype=object), frames)).dictionary_encode()
    return Predictions.of(
        pa.table(
            {
                "unit": names,
                "frame": np.tile(np.arange(frames, dtype=np.int32), len(units)),
                "label": pa.array(["a" if n % 3 else "b" for n in range(count)]),
                "probability/a": first,
                "probability/b": 1 - first,
            }
        )
    )


def equal(one: Predictions, other: Predictions) -> bool:
    return bool(one.table().equals(other.table()))


def test_a_table_is_read_back_as_it_was(tmp_path: Path) -> None:
    one = made_up()
    pq.write_table(one.table(), tmp_path / "p.parquet")
    read = read_predictions(tmp_path / "p.parquet")
    assert equal(read, one)
    assert (read.units, read.labels) == (("u", "v"), ("a", "b"))
    assert read.table().schema.field("probability/a").type == pa.float32()


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    one = made_up(("v", "u"))
    table = one.table()
    pq.write_table(table.take(list(reversed(range(len(table))))), tmp_path / "p.parquet")
    assert equal(read_predictions(tmp_path / "p.parquet"), one)


@pytest.mark.parametrize("columns", [["unit"], ["probability/a", "probability/b"]])
def test_a_table_without_a_column_is_refused(tmp_path: Path, columns: list[str]) -> None:
    pq.write_table(made_up().table().drop_columns(columns), tmp_path / "p.parquet")
    with pytest.raises(DataError, match=r"p\.parquet: not a table of predictions .*is missing"):
        read_predictions(tmp_path / "p.parquet")


def test_damaged_and_missing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "p.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="not a table of predictions"):
        read_predictions(tmp_path / "p.parquet")
    with pytest.raises(DataError, match="not there"):
        read_predictions(tmp_path / "absent.parquet")


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7])
def test_the_mean_of_equal_members_is_each_of_them(count: int) -> None:
    one = made_up()
    assert equal(mean_of([one] * count, [str(n) for n in range(count)]), one)


def test_the_mean_is_of_the_probabilities() -> None:
    one, other = made_up(seed=1), made_up(seed=2)
    mean = mean_of([one, other], ["x", "y"]).probabilities
    expected = (one.probabilities.astype(float) + other.probabilities) / 2
    np.testing.assert_allclose(mean, expected, rtol=1e-7)


def test_the_mean_leaves_out_what_is_not_annotated() -> None:
    one = made_up()
    one.probabilities[3, 1] = np.nan
    mean = mean_of([one, one], ["x", "y"]).probabilities
    np.testing.assert_array_equal(mean, one.probabilities)


def test_folds_join_to_all_units() -> None:
    whole = made_up(("u", "v", "w"))
    table = whole.table()
    parts = [Predictions.of(table.slice(5 * number, 5)) for number in range(3)]
    assert equal(joined(parts[::-1]), whole)
    with pytest.raises(DataError, match="u is predicted in two of the folds"):
        joined([parts[0], parts[0]])


def test_members_of_other_units_examples_or_labels_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"validation sets differ \(x: 2 units, y: 1, 1 in common\)"
    ):
        mean_of([made_up(), made_up(("v",))], ["x", "y"])
    with pytest.raises(DataError, match="x and y were scored on other examples"):
        mean_of([made_up(), made_up(frames=6)], ["x", "y"])
    fewer = Predictions.of(made_up().table().drop_columns(["probability/b"]))
    with pytest.raises(DataError, match=r"same labels \(a, b; a\)"):
        mean_of([made_up(), fewer], ["x", "y"])
