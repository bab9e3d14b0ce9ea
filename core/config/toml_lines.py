"""Where in a TOML file something is stated, for errors that name the line."""

import re


def line_of(text: str, path: str) -> int | None:
    """Find the line that states a dotted key path, in a file written in the usual way."""
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if header := re.fullmatch(r"\[([^\[\]]+)\]\s*(#.*)?", stripped):
            table = header[1].replace('"', "").replace(" ", "")
            if table == path:
                return number
        elif (key := re.match(r"([A-Za-z0-9_.\-\"]+)\s*=", stripped)) and (
            f"{table}.{key[1]}".replace('"', "") == path
        ):
            return number
    return None
