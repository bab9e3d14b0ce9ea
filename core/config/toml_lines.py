"""Find the line of a TOML file that states a setting, for error messages."""

import re
from functools import lru_cache


def line_of(text: str, path: str) -> int | None:
    """Return the line that states a dotted key path, in a conventionally formatted file."""
    return _lines(text).get(path)


@lru_cache(maxsize=4)  # called many times for one registry, whenever an experiment is resolved
def _lines(text: str) -> dict[str, int]:
    """Return the line of each table and key, by dotted path; the first if there are several."""
    table, lines = "", dict[str, int]()
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if header := re.fullmatch(r"\[{1,2}([^\[\]]+)\]{1,2}\s*(#.*)?", stripped):
            table = header[1].replace('"', "").replace(" ", "")
            lines.setdefault(table, number)
        elif key := re.match(r"([A-Za-z0-9_.\-\"]+)\s*=", stripped):
            lines.setdefault(f"{table}.{key[1]}".replace('"', ""), number)
    return lines
