"""Kept predictions of runs, read as sequences."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import DataError
from core.postprocess.kept import KeptPredictions
from core.postprocess.sequences import KeptSequence
from core.postprocess.survey import survey
from tests.core.postprocess.making import sequences


def write(path: Path, table: pa.Table, **options: object) -> Path:
    pq.write_table(table, path, **options)
    return path


def of_pairs(made: list[KeptSequence], pairs: tuple[tuple[int, int], ...] = ((1, 2),)) -> pa.Table:
    """The layout of pairs; of the second pair nothing is annotated."""
    tables = []
    for each in made:
        for number, (agent, target) in enumerate(pairs):
            frames, known = len(each.values), number == 0
            columns: dict[str, object] = {
                "unit": pa.array([each.unit] * frames).dictionary_encode(),
                "agent": np.full(frames, agent, np.int8),
                "target": np.full(frames, target, np.int8),
                "frame": np.arange(frames, dtype=np.int32),
                "frames_per_second": np.full(frames, each.frames_per_second),
            }
            for column, label in enumerate(each.labels):
                truth = each.truth[:, column].astype(np.int8)
                columns[f"label/{label}"] = truth if known else np.full(frames, -1, np.int8)
                values = each.values[:, column]
                columns[f"probability/{label}"] = values if known else np.full_like(values, np.nan)
            tables.append(pa.table(columns))
    return pa.concat_tables(tables).unify_dictionaries()


def of_classes(units: dict[str, list[str]]) -> pa.Table:
    names = ("other", "social")
    label = [label for labels in units.values() for label in labels]
    certain = np.array([[name == each for name in names] for each in label], np.float32)
    return pa.table(
        {
            "unit": [unit for unit, labels in units.items() for _ in labels],
            "frame": [frame for labels in units.values() for frame in range(len(labels))],
            "label": pa.array(label).dictionary_encode(),
            **{f"probability/{name}": certain[:, n] for n, name in enumerate(names)},
        }
    )


@pytest.mark.parametrize("rows", ["in order", "shuffled", "in small batches"])
def test_pairs_come_back_as_they_were(
    tmp_path: Path, rows: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = sequences(1.0, units=3, frames=300)
    table = of_pairs(made, ((1, 2), (2, 1)))
    if rows == "shuffled":
        table = table.take(pa.array(np.random.default_rng(0).permutation(len(table))))
    if rows == "in small batches":
        monkeypatch.setattr("core.postprocess.kept.BATCH_ROWS", 77)
    kept = KeptPredictions([write(tmp_path / "p.parquet", table)])
    found = list(kept)
    assert sorted(kept.units) == [each.unit for each in made]
    assert len(found) == len(made)  # nothing is annotated of the other pair
    for one, other in zip(made, sorted(found, key=lambda each: each.unit), strict=True):
        assert (other.unit, other.lab, other.labels) == (one.unit, one.lab, one.labels)
        np.testing.assert_array_equal(other.values, one.values)
        np.testing.assert_array_equal(other.truth, one.truth)
        assert other.frames_per_second == 30.0
    assert survey(kept).fitted_on.sequences == 3


def test_each_file_of_several_is_a_fold(tmp_path: Path) -> None:
    made = sequences(1.0, units=4, frames=300)
    paths = [
        write(tmp_path / f"{fold}.parquet", of_pairs(made[2 * fold : 2 * fold + 2]))
        for fold in range(2)
    ]
    assert [each.fold for each in KeptPredictions(paths)] == [0, 0, 1, 1]
    assert KeptPredictions(paths).units_of(paths[1]) == ("Lab/2", "Lab/3")
    with pytest.raises(DataError, match="Lab/0 is predicted in two of the folds"):
        KeptPredictions([paths[0], write(tmp_path / "again.parquet", of_pairs(made[:1]))])


def test_classes_exclude_one_another(tmp_path: Path) -> None:
    path = write(
        tmp_path / "p.parquet", of_classes({"a": ["other", "social"], "b": ["social"] * 3})
    )
    one, other = KeptPredictions([path], {"a": 25.0, "b": 30.0})
    assert (one.unit, one.lab, one.labels, one.exclusive) == ("a", "", ("other", "social"), True)
    assert one.truth.tolist() == [[True, False], [False, True]]
    assert (one.frames_per_second, other.frames_per_second) == (25.0, 30.0)
    assert (one.fold, other.fold) == (0, 1)


def test_what_is_no_table_of_frames_is_named(tmp_path: Path) -> None:
    good = of_classes({"a": ["other", "social"], "b": ["other"]})
    with pytest.raises(DataError, match=r"gone\.parquet: not there"):
        KeptPredictions([tmp_path / "gone.parquet"])
    with pytest.raises(DataError, match="column 'frame' is missing"):
        KeptPredictions([write(tmp_path / "odd.parquet", good.drop_columns("frame"))])
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="not a table of predictions"):
        KeptPredictions([tmp_path / "torn.parquet"])
    twice = write(tmp_path / "twice.parquet", pa.concat_tables([good, good]))
    with pytest.raises(DataError, match="frame 0 of a comes twice"):
        list(KeptPredictions([twice]))
    lonely = write(tmp_path / "one.parquet", of_classes({"a": ["other"]}))
    with pytest.raises(DataError, match="cannot be split"):
        KeptPredictions([lonely])
