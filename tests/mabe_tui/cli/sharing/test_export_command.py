"""``mabe export``, and ``mabe import-log`` of what it wrote."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from core.errors import MisuseError
from core.run.rundir import RunDir
from mabe_tui.runs.old_logs.tfevents import read_tfevents

Mabe = Callable[..., Result]


def test_there_and_back(invoke: Mabe, finished: RunDir, tmp_path: Path) -> None:
    (told,) = json.loads(
        invoke("export", finished.id, "--to", "csv", "-o", str(tmp_path / "out"), "--json").stdout
    )
    assert told == {"run": finished.id, "path": str(tmp_path / "out" / f"{finished.id}.csv")}
    result = invoke("import-log", told["path"], "--version", "v1")
    run = result.stdout.strip()
    assert "3 epochs" in result.stderr
    curves = [
        invoke("curves", name, "-m", "f1_macro", "--json").stdout for name in (finished.id, run)
    ]
    ours, theirs = (json.loads(text)["curves"][0] for text in curves)
    assert (theirs["x"], theirs["y"]) == (ours["x"], ours["y"])
    again = invoke("import-log", told["path"], "--version", "v1")
    assert "imported before" in again.stderr
    assert again.stdout.strip() == run


def test_followed_to_the_end(invoke: Mabe, finished: RunDir, tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    out = str(tmp_path / "boards")
    with pytest.raises(MisuseError, match="--follow: only for --to tensorboard"):
        invoke("export", finished.id, "--to", "csv", "-o", out, "--follow")
    result = invoke("export", finished.id, "--to", "tensorboard", "-o", out, "--follow")
    series = {each.name: each for each in read_tfevents(Path(result.stdout.strip()))}
    assert series["validation_loss"].value == pytest.approx([1, 1 / 2, 1 / 3])
    assert series["train_loss"].step == [2, 4, 6]
