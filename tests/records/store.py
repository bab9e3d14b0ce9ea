"""Pack the recorded store for the repository, and unpack copies for the program to use.

Git keeps neither times nor absolute paths, and the program relies on both: times of source files are part
of a prepared folder's key, and a run names its data by an absolute path. So :func:`pack` writes
:data:`PLACE` wherever the store's own path stood, and :func:`unpack` undoes that and sets all times to
:data:`MODIFIED`.
"""

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

RECORD = Path(__file__).parent / "2026-12"
STORE = RECORD / "store"
COMMANDS = RECORD / "commands"
FINGERPRINTS = RECORD / "fingerprints.json"
NAMES = RECORD / "runs.json"
"""Run id by the name that tests use."""
ABOUT = RECORD / "about.json"
"""The code and the machine that made the record."""
PLACE = "@PLACE@"
"""Placeholder for the folder that the store is unpacked into."""
MODIFIED = 1_796_083_200
"""Every file's modification time, in seconds: 2026-12-01 00:00 UTC."""
TEXT = {".csv", ".json", ".jsonl", ".sql", ".toml", ".txt"}
HOME_VIEWS = "HOME.json"
"""The view state of the store's home folder; the program derives the file name from a hash of that path."""


def environment(root: Path) -> dict[str, str]:
    """Return the environment variables with which the program uses the store unpacked at ``root``."""
    return {
        "MABE_HOME": str(root / "home"),
        "MABE_STATE": str(root / "state"),
        "MABE_REGISTRY": str(root / "experiments.toml"),
    }


def pack(root: Path, folder: Path) -> None:
    """Write the store at ``root`` into ``folder`` in the form kept in the repository, without locks."""
    for path in sorted(root.rglob("*")):
        target = folder / path.relative_to(root)
        if path.is_dir() or path.name.endswith(".lock"):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".db":
            with closing(sqlite3.connect(path)) as database:
                dump = "\n".join(database.iterdump()) + "\n"
            target.with_suffix(".sql").write_text(dump.replace(str(root), PLACE))
        elif path == _views(root):
            _copy(path, target.with_name(HOME_VIEWS), str(root), PLACE)
        else:
            _copy(path, target, str(root), PLACE)


def unpack(root: Path) -> None:
    """Unpack a copy of the recorded store to ``root``, a new folder."""
    for path in sorted(STORE.rglob("*")):
        if path.is_dir():
            continue
        target = root / path.relative_to(STORE)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".sql":
            target = target.with_suffix(".db")
            with closing(sqlite3.connect(target)) as database:
                database.executescript(path.read_text().replace(PLACE, str(root)))
        elif path.name == HOME_VIEWS:
            target = _views(root)
            _copy(path, target, PLACE, str(root))
        else:
            _copy(path, target, PLACE, str(root))
    settle(root)


def settle(folder: Path) -> None:
    """Set the modification time of every file in a folder to :data:`MODIFIED`."""
    for path in folder.rglob("*"):
        os.utime(path, (MODIFIED, MODIFIED))


def _views(root: Path) -> Path:
    home = hashlib.sha256(str((root / "home").resolve()).encode()).hexdigest()[:16]
    return root / "state" / "views" / f"{home}.json"


def _copy(source: Path, target: Path, old: str, new: str) -> None:
    if source.suffix in TEXT:
        target.write_bytes(source.read_bytes().replace(old.encode(), new.encode()))
    else:
        shutil.copyfile(source, target)
