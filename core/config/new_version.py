"""Add a version to the registry's file, leaving everything else in it unchanged."""

import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import tomli_w

from core.config.experiment import Experiment
from core.config.inheritance import Table, merge
from core.config.overrides import parse_override
from core.config.registry import Registry, load, require_name
from core.errors import ConfigError
from core.system.files import write_bytes_atomically
from core.system.lock import locked

_HEADER = re.compile(r"^[ \t]*\[+[ \t]*(?P<first>\"[^\"]*\"|'[^']*'|[A-Za-z0-9_-]+)", re.MULTILINE)


def add_version(
    registry: Registry,
    name: str,
    extends: str | None,
    overrides: Sequence[str] = (),
    notes: str | None = None,
    title: str | None = None,
    task: str | None = None,
    tell: Callable[[str], None] | None = None,
) -> Experiment:
    """Add a version to a registry's file, after validating it.

    The file is read and rewritten under its lock. Its content is preserved, with comments, order and
    layout included; the new version follows the last one.

    Args:
        registry: the registry; its file is read again.
        name: name of the new version.
        extends: the version whose settings it starts from.
        overrides: ``key.path=value`` each.
        notes: why it exists.
        title: one-line title.
        task: its task; ``None``: that of the version it extends, else the default task.
        tell: called with a sentence while another process is changing the file.

    Raises:
        ConfigError: the name is taken or invalid, or the new version would be invalid.
        UserError: the file cannot be read or written, or another process keeps it locked.
    """
    file = registry.path.resolve()  # a link remains a link
    with locked(file, tell=tell):
        now = load(registry.path)
        stated = _stated(now, name, extends, task, title)
        begun = replace(now, tables={**now.tables, name: stated})
        # first as overrides of the inherited settings: an error then names the option
        begun.experiment(name, overrides)
        kind = begun.spec(name).experiment
        settings = [parse_override(text, kind)[1] for text in overrides]
        table = reduce(merge, settings, stated | ({"notes": {"about": notes}} if notes else {}))
        experiment = replace(now, tables={**now.tables, name: table}).experiment(name)
        write_bytes_atomically(file, _with_table(file, name, table))
    return experiment


def _stated(
    registry: Registry, name: str, extends: str | None, task: str | None, title: str | None
) -> Table:
    """Return the keys of a new version besides its settings."""
    require_name(name, registry.path)
    if name in registry.tables:
        raise ConfigError(
            f"{registry.path}: there is a version {name!r} already; choose another name"
        )
    table = {"extends": extends, "task": task, "title": title or None, "status": "planned"}
    return {key: value for key, value in table.items() if value is not None}


def _with_table(file: Path, name: str, table: Table) -> bytes:
    """Return the content of a registry's file with one version added.

    The version's table is inserted into the text. If the versions are not written as separate
    tables, so that this would change the meaning, tomlkit finds the place.

    Raises:
        ConfigError: neither way works for the file.
    """
    content = file.read_bytes()
    bom = "\ufeff" if content.startswith(b"\xef\xbb\xbf") else ""
    text = content.decode("utf-8-sig")
    is_dos = "\r\n" in text
    text = text.replace("\r\n", "\n")
    wanted = tomllib.loads(text)
    wanted["experiments"][name] = table
    for add in (_inserted, _added_by_tomlkit):
        try:
            grown = add(text, name, table)
            is_right = tomllib.loads(grown) == wanted
        except ValueError:
            continue
        if is_right:
            return (bom + (grown.replace("\n", "\r\n") if is_dos else grown)).encode()
    raise ConfigError(
        f"{file}: a table cannot be added to it as it is written; begin the versions with"
        f" [experiments.NAME] lines, or add {name!r} by hand"
    )


def _inserted(text: str, name: str, table: Table) -> str:
    """Insert the table after the last version; comments before the next item stay with that item."""
    headers = [(match["first"].strip("\"'"), match.start()) for match in _HEADER.finditer(text)]
    last = max(i for i, (first, _) in enumerate(headers) if first == "experiments")
    end = len(text)
    if last + 1 < len(headers):
        end = _before_comments(text[: headers[last + 1][1]])
    block = tomli_w.dumps({"experiments": {name: table}})
    before, after = text[:end].rstrip("\n"), text[end:].lstrip("\n")
    return f"{before}\n\n{block}" + (f"\n{after}" if after else "")


def _before_comments(text: str) -> int:
    """Return the start of the comments at the end of a text that a blank line separates from the rest."""
    lines = text.splitlines(keepends=True)
    first = len(lines)
    while first and (not (line := lines[first - 1].strip()) or line.startswith("#")):
        first -= 1
    while first < len(lines) and lines[first].strip():
        first += 1
    return sum(map(len, lines[:first]))


def _added_by_tomlkit(text: str, name: str, table: Table) -> str:
    import tomlkit  # imported late: 30 ms, and seldom needed
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        experiments: Any = document["experiments"]
        experiments[name] = table
        return tomlkit.dumps(document)
    except TOMLKitError as error:
        raise ValueError(str(error)) from error
