"""``mabe archive`` and ``mabe unarchive``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from core.errors import UserError
from core.run.rundir import RunDir

Mabe = Callable[..., Result]


def test_there_and_back(
    invoke: Mabe, home: Path, finished: RunDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = invoke("compare", finished.id, "v2", "--json").stdout
    listed = invoke("runs", "--json").stdout
    file = tmp_path / "run.zip"
    told = json.loads(invoke("archive", finished.id, "-o", str(file), "--json").stdout)
    assert (told["run"], told["bytes"]) == (finished.id, file.stat().st_size)
    with pytest.raises(UserError, match="there already; --force"):
        invoke("archive", finished.id, "-o", str(file))
    assert "already here" in invoke("unarchive", str(file)).stderr
    monkeypatch.setenv("MABE_HOME", str(tmp_path / "other"))
    assert invoke("unarchive", str(file)).stdout == f"{finished.id}\n"
    assert invoke("runs", "--json").stdout == listed
    again = invoke("compare", finished.id, "v2", "--json").stdout
    assert again.replace(str(tmp_path / "other"), str(home)) == compared
