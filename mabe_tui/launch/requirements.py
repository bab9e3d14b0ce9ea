"""Packages that an image needs: declared in ``pyproject.toml``, pinned to the versions installed here."""

import importlib.metadata
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import modal

import core
from core.errors import RunError

PROJECT = "mabe"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
EXTRA = re.compile(r"""\bextra\s*==\s*['"]([^'"]+)['"]""")


def declared(*extras: str, root: Path | None = None) -> tuple[str, ...]:
    """Return the names of the packages that extras of this project declare, sorted.

    In a checkout ``pyproject.toml`` is read, since the metadata of an editable installation may be older. A
    container has neither and nothing to install, so the result is empty there.

    Args:
        extras: names such as ``core``.
        root: the folder that holds the package ``core``; ``None`` means the one in use.

    Raises:
        RunError: outside a container, the project is neither a checkout nor installed.
    """
    if not modal.is_local():
        return ()
    root = root if root is not None else Path(core.__file__).resolve().parents[1]
    by_extra = _in_checkout(root) or _in_metadata()
    if not by_extra.keys() >= {*extras}:
        raise RunError(
            f"which packages Modal must install is not known: {root} is no checkout of {PROJECT} and "
            f"{PROJECT} is not installed; install it with pip or uv"
        )
    return tuple(sorted({name for extra in extras for name in by_extra[extra]}))


def _in_checkout(root: Path) -> dict[str, list[str]]:
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except (OSError, KeyError):
        return {}
    if project["name"] != PROJECT:
        return {}
    optional = project["optional-dependencies"]
    return {extra: [*_names(optional[extra])] for extra in optional}


def _in_metadata() -> dict[str, list[str]]:
    try:
        requirements = importlib.metadata.requires(PROJECT) or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    found: dict[str, list[str]] = {}
    for requirement in requirements:
        for extra in EXTRA.findall(requirement):
            found.setdefault(extra, []).extend(_names([requirement]))
    return found


def _names(requirements: Iterable[str]) -> Iterator[str]:
    for requirement in requirements:
        if name := NAME.match(requirement):
            yield name.group()


def pinned(name: str) -> str:
    """Return the requirement pinned to the version installed here, without its local build tag."""
    try:
        return f"{name}=={importlib.metadata.version(name).partition('+')[0]}"
    except importlib.metadata.PackageNotFoundError:
        return name
