"""Writing a new version into the registry's file."""

from collections.abc import Sequence

import tomli_w

from core.errors import ConfigError
from core.experiment import Experiment
from core.files import write_bytes_atomically
from core.inheritance import Table, merge
from core.overrides import parse_override
from core.registry import FORMAT, Registry, require_name


def add_version(
    registry: Registry,
    name: str,
    extends: str | None,
    overrides: Sequence[str] = (),
    notes: str | None = None,
    title: str | None = None,
) -> Experiment:
    """Write a new version into the registry's file, once it has been found sound.

    The other versions keep their values and order; comments are not kept, since TOML's values are
    what is written.

    Raises:
        ConfigError: the name is taken or impossible, or the new version would not be sound.
        UserError: the file cannot be written.
    """
    require_name(name, registry.path)
    if name in registry.tables:
        raise ConfigError(
            f"{registry.path}: there is a version {name!r} already; choose another name"
        )
    table: Table = {"extends": extends} if extends is not None else {}
    if title:
        table["title"] = title
    table["status"] = "planned"
    for text in overrides:
        table = merge(table, parse_override(text)[1])
    if notes:
        table["notes"] = {"about": notes}
    grown = Registry(
        registry.path, {**registry.tables, name: table}, registry.presets, registry.text
    )
    experiment = grown.experiment(name)
    content: Table = {"format": FORMAT, "experiments": dict(grown.tables)}
    if registry.presets:
        content["presets"] = dict(registry.presets)
    write_bytes_atomically(registry.path, tomli_w.dumps(content).encode())
    return experiment
