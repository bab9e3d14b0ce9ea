from pathlib import Path

import pytest

from core.errors import UserError
from mabe_tui.runs.format import export
from mabe_tui.runs.format.export import write_new


def test_no_file_is_written_over_another(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text("mine")
    assert [write_new(tmp_path, "a", ".svg", b"x").name for _ in range(2)] == ["a-2.svg", "a-3.svg"]
    assert (tmp_path / "a.svg").read_text() == "mine"


def test_what_cannot_be_written_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        write_new(tmp_path / "none", "a", ".svg", b"x")

    def full(path: Path, _: bytes) -> None:
        raise UserError(f"{path}: cannot be written (full)")

    monkeypatch.setattr(export, "write_bytes_atomically", full)
    with pytest.raises(UserError, match="full"):
        write_new(tmp_path, "a", ".svg", b"x")
    assert list(tmp_path.iterdir()) == []
