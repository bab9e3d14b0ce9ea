"""Files of pairs: what is read, what is refused, and how much memory that takes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import DataError
from core.tasks.pairs.data import npz
from core.tasks.pairs.data.check import check_pairs
from core.tasks.pairs.data.pair_file import open_pair_file
from core.tasks.pairs.data.prepared import prepare
from core.tasks.pairs.settings import PairsDataConfig
from core.tasks.pairs.splitting import split_pairs
from tests.core.tasks.pairs.pair_folder import Arrays, arrays, folder


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("kind", ["uint8", "float32", ">f8"])
def test_images_are_read_as_they_were_written(
    tmp_path: Path, save: Callable[..., None], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npz, "BLOCK_BYTES", 300)  # two images or fewer at a time
    one, two = arrays(5, kind=kind), arrays(3, seed=1, kind=kind)
    (tmp_path / "d").mkdir()
    for name, each in (("train", one), ("val", two)):
        save(tmp_path / f"d/{name}.npz", **each)
    prepared = prepare(tmp_path / "d", tmp_path / "cache")
    again = prepare(tmp_path / "d", tmp_path / "cache")
    rows = np.array([7, 0, 4])
    scale = 255 if kind == "uint8" else 1
    for found in (prepared, again):
        first, second = found.images(rows)
        expected = np.stack([two["left"][2], one["left"][0], one["left"][4]]) / scale
        np.testing.assert_allclose(first, expected, rtol=1e-6)
        np.testing.assert_allclose(second[0], two["right"][2] / scale, rtol=1e-6)
        assert found.ids(rows) == ["val/000002", "train/000000", "train/000004"]
    pixels = np.stack([one["left"], one["right"]]) / scale
    assert prepared.manifest.mean == pytest.approx(pixels.mean(), rel=1e-6)
    assert prepared.manifest.deviation == pytest.approx(pixels.std(), rel=1e-5)


def changed(**values: Any) -> Arrays:
    return {name: each for name, each in (arrays() | values).items() if each is not None}


NAN = np.where(np.arange(6)[:, None, None] == 4, np.nan, np.ones((6, 12, 10)))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (changed(y=np.array([0, 1, 2, 0, 1, 0])), "label 2 of pair 2 .*values: 0, 1, 2"),
        (changed(y=np.arange(5) % 2), "5 labels in 'y', but 6 images"),
        (changed(y=None), "no array of labels"),
        (changed(left=None), r"two arrays of images are needed, .*; it has right \(6, 12, 10\)"),
        (changed(left=np.zeros((6, 120))), r"each \(pairs, height, width\).*left \(6, 120\)"),
        (changed(left=np.full((6, 12, 10), 1e200), right=np.ones((6, 12, 10))),
         "image 0 of array 'left' holds numbers too large"),
        (changed(other=np.zeros((6, 12, 10))), "3 arrays of images, not two.*data.arrays"),
        (changed(left=np.zeros((6, 12, 10), np.int64), right=np.zeros((6, 12, 10), np.int64)),
         "type int64"),
        (changed(left=np.zeros((6, 12, 11), np.uint8)), r"'left' is \(6, 12, 11\)"),
        (changed(left=np.zeros((6, 3, 3)), right=np.zeros((6, 3, 3))), "each side 8 to 512"),
        (changed(left=np.ones((6, 12, 10)), right=NAN), "image 4 of array 'right' holds NaN"),
        (arrays(0), "holds no pair"),
        (changed(y=np.array(list("010101"))), "labels are a number"),
        (changed(left=np.asfortranarray(arrays()["left"])), "column by column"),
    ],
)  # fmt: skip
def test_what_cannot_be_pairs_is_refused_in_one_line(
    tmp_path: Path, found: Arrays, words: str
) -> None:
    data = folder(tmp_path / "d", found)
    with pytest.raises(DataError, match=words) as error:
        prepare(data, tmp_path / "cache")
    assert "\n" not in str(error.value)
    assert str(data / "train.npz") in str(error.value)


def test_files_that_are_missing_or_damaged_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.npz: not there"):
        prepare(tmp_path, tmp_path / "cache")
    data = folder(tmp_path / "d")
    whole = (data / "train.npz").read_bytes()
    for content in (b"", b"no archive", whole[: len(whole) // 2]):
        (data / "train.npz").write_bytes(content)
        with pytest.raises(DataError, match=r"not an \.npz file"):
            prepare(data, tmp_path / "cache")
    np.savez(data / "train.npz", **(arrays() | {"y": np.array([{}] * 6)}))
    with pytest.raises(DataError, match="Python objects"):
        prepare(data, tmp_path / "cache")


def test_files_have_to_fit_together(tmp_path: Path) -> None:
    data = folder(tmp_path / "d", val=arrays(kind="float32"))
    with pytest.raises(DataError, match=r"val\.npz: images are .* float32"):
        prepare(data, tmp_path / "cache")


def test_a_check_names_each_file_that_does_not_fit_once(tmp_path: Path) -> None:
    data = folder(tmp_path / "d", val=arrays(kind="float32"))
    np.savez(data / "test_public.npz", **arrays(kind="float32"))
    errors = check_pairs(data, None).errors
    assert [error.partition(": ")[0] for error in errors] == [
        str(data / f"{name}.npz") for name in ("val", "test_public")
    ]


def test_arrays_can_be_named(tmp_path: Path) -> None:
    many = arrays() | {"mask": np.zeros((6, 12, 10), np.uint8), "weight": np.ones(6)}
    path = folder(tmp_path / "d", many) / "train.npz"
    file = open_pair_file(path, ("right", "left", "y"))
    np.testing.assert_array_equal(next(file.image_blocks())[1], many["right"])
    with pytest.raises(DataError, match=r"no array 'lefd'.*left"):
        open_pair_file(path, ("lefd", "right", "y"))


def test_images_of_both_files_are_reported_and_kept_in_one_fold(tmp_path: Path) -> None:
    train, val = arrays(40), arrays(10, seed=1)
    val["left"][3] = train["right"][7]
    prepared = prepare(folder(tmp_path / "d", train, val), tmp_path / "cache")
    assert [each.message for each in prepared.remarks] == [
        "val.npz shares 1 image with train.npz; scores on it flatter"
    ]
    assert prepared.groups[43] == prepared.groups[7]
    assert len(np.unique(prepared.groups)) == 49
    seen = []
    for fold in range(5):
        split = split_pairs(PairsDataConfig(folds=5, fold=fold), prepared.groups, 40)
        assert not {*prepared.groups[split.train]} & {*prepared.groups[split.validation]}
        assert len(split.validation) == 10
        seen += split.validation.tolist()
    assert sorted(seen) == list(range(50))


def test_without_a_file_to_validate_on_a_share_is_kept(tmp_path: Path) -> None:
    prepared = prepare(folder(tmp_path / "d", arrays(40)), tmp_path / "cache")
    split = split_pairs(PairsDataConfig(source="npz"), prepared.groups, 40)
    assert (len(split.train), len(split.validation)) == (32, 8)
    everything = split_pairs(PairsDataConfig(validation_fraction=0), prepared.groups, 40)
    assert (len(everything.train), len(everything.validation)) == (40, 0)


def test_changed_files_are_checked_again(tmp_path: Path) -> None:
    data = folder(tmp_path / "d")
    before = prepare(data, tmp_path / "cache").manifest.fingerprint
    folder(data, arrays(seed=9))
    assert prepare(data, tmp_path / "cache").manifest.fingerprint != before
