"""A session picks up changes when the user edits the registry."""

import os
from pathlib import Path

import pytest

from core.config import registry
from core.errors import ConfigError
from mabe_tui.runs.session import Session


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "experiments.toml"
    path.write_bytes(registry.default_path().read_bytes())
    return path


def edit(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))
    later = path.stat().st_mtime_ns + 1_000_000_000
    os.utime(path, ns=(later, later))


def test_an_edited_registry_is_read_again(path: Path) -> None:
    session = Session(str(path))
    before = session.registry
    session.reread()
    assert session.registry is before
    edit(path, "[experiments.v6]", "[experiments.v60]")
    session.reread()
    assert "v60" in session.registry.versions


def test_a_broken_one_is_told_once_by_its_line_and_changes_nothing(path: Path) -> None:
    session = Session(str(path))
    before = session.registry
    edit(path, path.read_text(), path.read_text() + "\n[experiments.v99]\nseed = [1,\n")
    last = len(path.read_text().splitlines())
    with pytest.raises(ConfigError, match=rf"experiments\.toml: .*line {last}\b"):
        session.reread()
    session.reread()
    assert session.registry is before
