"""A registry keeps its comments, order and layout when a version is added to it."""

import tomllib
from pathlib import Path

import pytest

from core.config.new_version import add_version
from core.config.registry import load
from core.errors import ConfigError
from core.system.lock import LockedError, try_lock

VERSIONS = """# All our versions.
format = 1

[experiments.a]  # the first
title   =   'kept as it is'
# dropout = 0.5, tried in May
"""
PRESETS = """
# Sets of overrides.
[presets.quick.training]
epochs = 2
"""
ADDED = """
[experiments.c]
extends = "a"
status = "planned"

[experiments.c.training]
epochs = 9
"""


def added(folder: Path, content: bytes) -> bytes:
    path = folder / "experiments.toml"
    path.write_bytes(content)
    assert add_version(load(path), "c", "a", ["training.epochs=9"]).training.epochs == 9
    assert load(path).experiment("c").training.epochs == 9
    return path.read_bytes()


def test_a_version_follows_the_others_and_all_else_stays(tmp_path: Path) -> None:
    text = added(tmp_path, (VERSIONS + PRESETS).encode()).decode()
    assert text == VERSIONS + ADDED + PRESETS


def test_without_anything_behind_it_comes_last(tmp_path: Path) -> None:
    assert added(tmp_path, VERSIONS.encode()).decode() == VERSIONS + ADDED


def test_line_ends_and_byte_order_mark_of_windows_stay(tmp_path: Path) -> None:
    dos = "\ufeff" + (VERSIONS + PRESETS).replace("\n", "\r\n")
    wanted = "\ufeff" + (VERSIONS + ADDED + PRESETS).replace("\n", "\r\n")
    assert added(tmp_path, dos.encode()).decode() == wanted


@pytest.mark.parametrize(
    "versions",
    [
        "experiments = { a = { title = 'x' } }  # inline",
        "experiments.a.title = 'x'  # dotted",
        "[experiments]  # one table\na = { title = 'x' }",
        "[experiments.a]  # text\ntitle = '''\n[presets.x]\n'''",
        "['experiments'.a]  # quoted\n[presets.p]\n[experiments.b]\n",
    ],
)
def test_however_the_versions_are_written_comments_stay(tmp_path: Path, versions: str) -> None:
    text = added(tmp_path, f"{versions}\n{PRESETS}".encode()).decode()
    before = tomllib.loads(versions)["experiments"]
    after = tomllib.loads(text)["experiments"]
    assert {name: table for name, table in after.items() if name != "c"} == before
    assert versions.partition("#")[2].partition("\n")[0] in text
    assert "# Sets of overrides." in text


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.toml"
    file.write_text(VERSIONS)
    link = tmp_path / "experiments.toml"
    link.symlink_to(file)
    add_version(load(link), "c", "a")
    assert link.is_symlink()
    assert load(file).versions == ("a", "c")


def test_what_another_process_added_meanwhile_counts(tmp_path: Path) -> None:
    path = tmp_path / "experiments.toml"
    path.write_text(VERSIONS)
    before = load(path)
    add_version(before, "c", "a")
    with pytest.raises(ConfigError, match="there is a version 'c' already"):
        add_version(before, "c", "a")
    add_version(before, "d", "c")
    assert load(path).versions == ("a", "c", "d")


def test_a_lock_that_is_not_let_go_is_told_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.system.lock.REWRITE_SECONDS", 0.02)
    monkeypatch.setattr("core.system.lock.LOOK_SECONDS", 0.01)
    path = tmp_path / "experiments.toml"
    path.write_text(VERSIONS)
    said: list[str] = []
    with (
        try_lock(tmp_path / ".experiments.toml.lock") as held,
        pytest.raises(LockedError, match="another process has been changing it"),
    ):
        assert held
        add_version(load(path), "c", "a", tell=said.append)
    assert said == [f"{path}: waiting for another process that is changing it"]
    assert path.read_text() == VERSIONS


def test_a_setting_that_does_not_fit_is_named_and_no_line_of_another_version(
    tmp_path: Path,
) -> None:
    path = tmp_path / "experiments.toml"
    path.write_text(VERSIONS)
    wrong = {"epochs=2": "epochs=2: training.warmup_epochs stays", "epochs=-2": "epochs: -2 is not"}
    add_version(load(path), "c", "a", ["training.epochs=9", "training.warmup_epochs=3"])
    before = path.read_bytes()
    for setting, words in wrong.items():
        with pytest.raises(ConfigError, match=f"^--set training.{words}"):
            add_version(load(path), "d", "c", [f"training.{setting}"])
    assert path.read_bytes() == before
