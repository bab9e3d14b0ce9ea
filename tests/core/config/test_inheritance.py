"""Which settings a table inherits from another, and which it does not."""

from pathlib import Path

import pytest

from core.config.inheritance import left_out, merge
from core.config.new_version import add_version
from core.config.registry import Registry, default_path, load
from core.models.settings import ModelConfig


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """The shipped versions, in a file of the test's own."""
    path = tmp_path / "experiments.toml"
    path.write_bytes(default_path().read_bytes())
    return load(path)


def model_of(registry: Registry, *overrides: str, preset: str | None = None) -> ModelConfig:
    return registry.experiment("v6", overrides, preset).model


def test_merge_is_deep_for_tables_only() -> None:
    assert merge({"a": {"x": 1, "y": 2}, "l": [1]}, {"a": {"y": 3}, "l": [2]}) == {
        "a": {"x": 1, "y": 3},
        "l": [2],
    }


def test_another_model_takes_its_own_shape_and_the_other_settings(registry: Registry) -> None:
    tcn = model_of(registry, "model.name=tcn", "model.dropout=0.2")
    assert (tcn.channels, tcn.layers) == (None, None)
    assert (tcn.dropout, tcn.hidden_size) == (0.2, model_of(registry).hidden_size)


@pytest.mark.parametrize(
    "overrides",
    [
        ("model.name=tcn", "model.channels=[8,8]"),
        ("model.channels=[8,8]", "model.name=tcn"),
        ('model={name="tcn", channels=[8,8]}',),
    ],
)
def test_what_is_stated_with_the_model_stays(
    registry: Registry, overrides: tuple[str, ...]
) -> None:
    assert model_of(registry, *overrides).channels == (8, 8)


def test_the_same_model_named_again_changes_nothing(registry: Registry) -> None:
    assert model_of(registry, "model.name=conv_bilstm") == model_of(registry)


def test_a_preset_is_for_any_model(registry: Registry) -> None:
    assert model_of(registry, "model.name=tcn", preset="demo").channels == (32, 64)


def test_a_version_that_names_another_model_resolves_as_the_override_does(
    registry: Registry,
) -> None:
    overridden = registry.experiment("v6", ["model.name=tcn"])
    assert add_version(registry, "v9", "v6", ["model.name=tcn"]).model == overridden.model


def test_what_is_left_out_is_named(registry: Registry) -> None:
    v6 = registry.experiment("v6")
    assert left_out(v6, registry.experiment("v6", ["model.name=tcn"])) == [
        ("model.channels", (64, 128, 256)),
        ("model.layers", 2),
    ]
    assert left_out(v6, registry.experiment("v6", ["model.name=tcn", "model.channels=[8]"])) == [
        ("model.layers", 2)
    ]
    assert left_out(v6, registry.experiment("v6", ["model.channels=none"])) == []
