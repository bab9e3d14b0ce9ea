"""Read and write the TOML files of a run's folder: atomic writes, errors that name the file."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec
import tomli_w

from core.config.experiment import to_table
from core.config.toml_text import TomlError, read_toml
from core.errors import RunError
from core.system.files import write_bytes_atomically

Table = TypeVar("Table", bound=msgspec.Struct)


def write_table(path: Path, struct: msgspec.Struct) -> None:
    """Write a struct atomically, leaving out unset keys.

    Raises:
        UserError: it cannot be written; the previous file is unchanged.
    """
    write_bytes_atomically(path, tomli_w.dumps(to_table(struct)).encode())


def read_table(path: Path) -> dict[str, Any]:
    """Read a file as nested tables.

    Raises:
        RunError: it is missing, unreadable, or not TOML.
    """
    try:
        return read_toml(path)[1]
    except FileNotFoundError as error:
        raise RunError(f"{path}: not there; is {path.parent} a run folder?") from error
    except (OSError, TomlError) as error:
        raise RunError(f"{path}: cannot be read ({error})") from error


def converted(table: dict[str, Any], kind: type[Table], path: Path) -> Table:
    """Convert tables that were read from ``path`` to a struct.

    Raises:
        RunError: they do not match the struct.
    """
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise RunError(f"{path}: {error}; it was not written by this version of mabe") from error
