"""The check of a folder of pairs."""

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigError
from tests.command_line import mabe
from tests.core.tasks.pairs.pair_folder import arrays, folder


def test_everything_wrong_or_odd_is_told_at_once(tmp_path: Path) -> None:
    train, val = arrays(20), arrays(10, seed=1)
    val["y"] = np.zeros(10)
    val["left"][:2], val["right"][:2] = train["left"][0], train["left"][0]
    data = folder(tmp_path / "d", train, val)
    np.savez(data / "test_public.npz", left=train["left"][:, :9], right=train["right"][:, :9])
    result = mabe("data", "check", str(data), "--version", "stage1", "--json")
    found = json.loads(result.stdout)
    assert [(file["name"], file["pairs"], file["positive"]) for file in found["files"]] == [
        ("train", 20, 10),
        ("val", 10, 0),
        ("test_public", 20, None),
    ]
    assert found["warnings"] == [
        "val.npz: all labels are 0",
        "val.npz: pairs that repeat an earlier one: 1",
        "val.npz: pairs of an image with itself: 2",
        "images that are in train.npz and in val.npz: 1; scores flatter",
    ]
    (error,) = found["errors"]
    assert "test_public.npz: images are (9, 10) uint8" in error
    assert result.exit_code == 1


def test_a_good_folder_is_described(tmp_path: Path) -> None:
    mabe("data", "pairs", str(tmp_path / "d"), "--pairs", "100", "--side", "12")
    lines = mabe("data", "check", str(tmp_path / "d"), "--version", "stage1").stdout.splitlines()
    assert [line.split(";")[1] for line in lines] == [" 50.0% positive"] * 3


def test_a_version_of_another_task_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="check it with --version stage1"):
        mabe("data", "check", str(folder(tmp_path / "d")))
