"""Parts of units, truths, and samples of bounded size."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from core.ensembles import sampling
from core.ensembles.parts import parts_of_units
from core.ensembles.sampling import draw_sample, truth_of
from core.errors import ConfigError
from core.evaluation.stored_predictions import StoredPredictions
from tests.core.ensembles.made_up import made_up_run, noisy, truths


def test_parts_have_about_as_many_rows_and_hold_folds_together() -> None:
    rows = {f"v{n}": 10 * (n + 1) for n in range(12)}
    parts = parts_of_units(rows, [[rows]], 4, seed=1)
    sizes = [sum(rows[unit] for unit in rows if parts[unit] == part) for part in range(4)]
    assert max(sizes) - min(sizes) <= 30
    folds = [[f"v{n}" for n in range(fold, 12, 3)] for fold in range(3)]
    parts = parts_of_units(rows, [folds, [rows]], 5, seed=1)
    assert {len({parts[unit] for unit in fold}) for fold in folds} == {1}
    assert len(set(parts.values())) == 3


def test_members_of_other_folds_leave_units_to_be_distributed_one_by_one() -> None:
    rows = dict.fromkeys("abcdef", 1)
    parts = parts_of_units(rows, [["ab", "cd", "ef"], ["bc", "de", "fa"]], 3, seed=1)
    assert len(set(parts.values())) == 3
    equal = {parts_of_units(rows, [], 3, seed)["a"] for seed in range(9)}
    assert len(equal) > 1, "the seed decides"
    with pytest.raises(ConfigError, match="single validation unit"):
        parts_of_units({"a": 5}, [], 3, 1)


def test_truth_is_read_from_either_layout() -> None:
    exclusive = pa.table({"label": pa.array(["b", "a", "?"])})
    truth, one = truth_of(exclusive, ("a", "b"))
    assert one
    np.testing.assert_array_equal(truth, [[0, 1], [1, 0], [np.nan, np.nan]])
    columns = {"label/a": [1, -1], "label/b": [0, 1]}
    several = pa.table({name: pa.array(values, pa.int8()) for name, values in columns.items()})
    truth, one = truth_of(several, ("a", "b"))
    assert not one
    np.testing.assert_array_equal(truth, [[1, 0], [np.nan, 1]])
    with pytest.raises(ConfigError, match="--how mean needs none"):
        truth_of(pa.table({"label": pa.array([0.5])}), ("a", "b"))


def test_a_sample_is_bounded_keeps_what_is_rare_and_counts_for_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = {
        unit: np.random.default_rng(n).choice(3, 3000, p=(0.94, 0.05, 0.01))
        for n, unit in enumerate(truths(8))
    }
    runs = [made_up_run(tmp_path, n, truth, noisy(1.0, n)) for n in (1, 2)]
    members = [StoredPredictions([run.predictions]) for run in runs]
    monkeypatch.setattr(sampling, "MOST_ROWS", 2000)
    monkeypatch.setattr(sampling, "VALUES_AT_ONCE", 30_000)
    parts = parts_of_units(members[0].rows, [], 3, 1)

    def draw(seed: int = 1):
        return draw_sample(members, ["a", "b"], parts, seed, lambda *_: None)

    sample, part = draw()
    assert 1700 < len(part) < 2300
    kept = np.nansum(sample.truth, axis=0)
    assert kept[2] == sum((each == 2).sum() for each in truth.values()), "all of the rarest"
    shares = (sample.truth * sample.weights[:, None]).sum(axis=0) / sample.weights.sum()
    np.testing.assert_allclose(shares, (0.94, 0.05, 0.01), atol=0.01)
    assert set(part) == {0, 1, 2}
    again, _ = draw()
    np.testing.assert_array_equal(again.members, sample.members)
    monkeypatch.setattr(sampling, "MOST_ROWS", 10**6)
    whole, _ = draw()
    assert len(whole.weights) == 8 * 3000
    assert (whole.weights == 1).all()
