"""The key reference, made from the key table: ``python -m mabe_tui.tui.reference``."""

from mabe_tui.tui.key import Key
from mabe_tui.tui.keys import KEYS

HEADER = """# Keys of the dashboard

Made by `make reference` from the key table; a test keeps it in step. `?` shows the keys of the screen one is
on, `^p` (Ctrl and P) finds any of them by name. Keys marked ✎ change something; `--readonly` takes them away.
"""


def reference() -> str:
    """Return the whole reference as Markdown."""
    return HEADER + "".join(_section(place, keys) for place, keys in KEYS.items() if keys)


def _section(place: str, keys: tuple[Key, ...]) -> str:
    rows = [
        f"| {' '.join(f'`{name}`' for name in key.spellings)} | {key.help}{' ✎' * key.changes} |"
        for key in keys
    ]
    return "\n".join([f"\n## {place}\n", "| key | |", "| --- | --- |", *rows]) + "\n"


if __name__ == "__main__":
    print(reference(), end="")
