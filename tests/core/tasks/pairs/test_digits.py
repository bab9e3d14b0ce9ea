"""Pairs of handwritten digits."""

import sys
from pathlib import Path

import numpy as np
import pytest

from core.errors import DataError, MisuseError
from core.tasks.pairs.data.digits import DigitSettings, draw_pairs, read_digits, write_digit_pairs
from core.tasks.pairs.data.groups import image_hashes
from core.tasks.pairs.data.pair_file import SPLITS
from core.tasks.pairs.settings import Relation


@pytest.mark.parametrize("relation", ["same", "greater"])
def test_half_of_the_pairs_are_positive_and_each_comes_once(relation: Relation) -> None:
    digits = np.random.default_rng(1).integers(0, 10, 200)
    pairs = draw_pairs(digits, np.arange(200), 300, relation, np.random.default_rng(2))
    one, other = digits[pairs.first], digits[pairs.second]
    np.testing.assert_array_equal(pairs.label, one == other if relation == "same" else one > other)
    assert pairs.label.sum() == 150
    assert len({frozenset(pair) for pair in zip(pairs.first, pairs.second, strict=True)}) == 300
    if relation == "greater":
        assert (one != other).all()


def test_no_image_is_in_two_files_and_equal_settings_give_equal_files(tmp_path: Path) -> None:
    settings = DigitSettings(pairs=400)
    counts = write_digit_pairs(tmp_path / "one", settings)
    write_digit_pairs(tmp_path / "two", settings)
    assert counts == {"train": 320, "val": 80, "test_public": 80}
    seen = []
    for name in SPLITS:
        assert (tmp_path / f"one/{name}.npz").read_bytes() == (
            tmp_path / f"two/{name}.npz"
        ).read_bytes()
        with np.load(tmp_path / f"one/{name}.npz") as file:
            assert file["first"].shape[1:] == (28, 28)
            seen.append({*image_hashes(np.concatenate([file["first"], file["second"]])).tolist()})
    assert len(set().union(*seen)) == sum(map(len, seen))
    with pytest.raises(MisuseError, match=r"train\.npz: exists already"):
        write_digit_pairs(tmp_path / "one", settings)


def test_enlarged_digits_keep_their_ink_off_the_edges() -> None:
    images = read_digits().images
    framed = images.copy()
    framed[:, 3:-3, 3:-3] = 0
    assert framed.max() == 0
    assert images.max() == 255


def test_without_scikit_learn_the_error_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(DataError, match=r"pip install 'mabe\[pairs\]'"):
        write_digit_pairs(tmp_path, DigitSettings())
