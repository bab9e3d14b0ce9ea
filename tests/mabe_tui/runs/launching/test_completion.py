"""Completion of settings and folders."""

from pathlib import Path

import pytest

from core.config import registry
from core.config.experiment import flatten
from mabe_tui.runs.launching import completion
from mabe_tui.runs.launching.completion import allowed, folders_like, settings_like

REGISTRY = registry.load(registry.default_path())


@pytest.mark.parametrize("version", REGISTRY.versions)
def test_every_setting_is_offered_as_it_is(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "MOST", 1000)
    experiment = REGISTRY.experiment(version)
    overrides = settings_like(experiment, "")
    assert len(overrides) > 40
    assert flatten(REGISTRY.experiment(version, overrides)) == flatten(experiment)


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("training.ep", ["training.epochs=10"]),
        ("learning_rate", ["training.learning_rate=0.001", "training.min_learning_rate=1e-05"]),
        ("training.scheduler=", ["training.scheduler=plateau", "training.scheduler=cosine"]),
        ("training.scheduler=c", ["training.scheduler=cosine"]),
        ("features.mask_channels=t", ["features.mask_channels=true"]),
        ("training.epochs=3", []),
        ("nothing.like.it", []),
    ],
)
def test_what_is_offered(typed: str, first: list[str]) -> None:
    assert settings_like(REGISTRY.experiment("v1"), typed)[:2] == first


def test_what_a_setting_may_be() -> None:
    assert (
        allowed(REGISTRY.experiment("v1"), "training.learning_rate=2")
        == "a number above 0 and up to 1000"
    )
    assert allowed(REGISTRY.experiment("v1"), "training.lr") is None


def test_folders(tmp_path: Path) -> None:
    for name in ("data", "day", ".hidden", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "data.csv").touch()
    assert folders_like(f"{tmp_path}/da") == [f"{tmp_path}/data/", f"{tmp_path}/day/"]
    assert folders_like(f"{tmp_path}/") == [f"{tmp_path}/{n}/" for n in ("data", "day", "other")]
    assert folders_like(f"{tmp_path}/none/x") == []


def test_folders_at_home_and_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / ".hidden").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert folders_like("~") == ["~/"]
    assert folders_like("~/d") == ["~/data/"]
    assert folders_like("~nobody-of-that-name/d") == []
    assert (folders_like("d"), folders_like(".")) == (["data/"], [".hidden/"])
