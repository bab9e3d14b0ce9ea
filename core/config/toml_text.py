"""Parse hand-written TOML, with one-line errors, and reject values that could not be stored."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.config.toml_lines import line_of
from core.system.encoding import is_utf_16

Table = dict[str, Any]
DEEPEST = 32
"""Maximum nesting of tables and arrays: ten times as many as any of our settings needs."""
LOWEST, HIGHEST = -(2**63), 2**63 - 1
"""Range of TOML integers; msgpack and most other readers support no more."""


class TomlError(ValueError):
    """Raised for invalid text, with a one-line message."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.line = line


def read_toml(path: Path) -> tuple[str, Table]:
    """Read a TOML file; return its text and its content.

    Raises:
        OSError: it cannot be read.
        TomlError: it is not TOML, or holds a value that cannot be stored; says what and where.
    """
    text = decode_toml(path.read_bytes())
    return text, parse_toml(text)


def decode_toml(content: bytes) -> str:
    """Decode the bytes of a TOML file; skip a byte order mark, which Windows editors write.

    Raises:
        TomlError: it is not UTF-8.
    """
    if is_utf_16(content):
        raise TomlError("it is UTF-16 text, and TOML is UTF-8: save it with that encoding")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        byte = content[error.start]
        raise TomlError(
            f"byte 0x{byte:02x} is not UTF-8: save it with that encoding", line
        ) from error
    return text.replace("\r\n", "\n")


def parse_toml(text: str) -> Table:
    """Parse TOML.

    Raises:
        TomlError: it is not TOML, is nested too deeply, or has an integer beyond 64 bits.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        last = len(text.splitlines())
        raise TomlError(str(error).replace("end of document", f"the end, line {last}")) from error
    except RecursionError as error:
        raise TomlError(f"nested too deeply; at most {DEEPEST} levels are read") from error
    except ValueError as error:  # a number with more digits than Python converts
        raise TomlError(str(error).partition(";")[0]) from error
    for key, problem in _problems(table, "", 0):
        raise TomlError(f"{key}: {problem}", line_of(text, key.partition("[")[0]))
    return table


def _problems(value: object, key: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > DEEPEST:
        yield f"{key[:40]}…", f"nested too deeply; at most {DEEPEST} levels are read"
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _problems(inner, f"{key}.{name}" if key else name, depth + 1)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _problems(inner, f"{key}[{number}]", depth + 1)
    elif isinstance(value, int) and not LOWEST <= value <= HIGHEST:
        yield key, f"{_short(value)} is out of range; a whole number is from -2⁶³ to 2⁶³ - 1"


def _short(value: int) -> str:
    """Format an integer of any length: Python refuses to convert thousands of digits."""
    if abs(value) < 10**30:
        return str(value)
    return f"a number of {value.bit_length()} bits"
