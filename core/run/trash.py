"""The trash as far as its folder names tell: which runs have something in it.

An entry is ``HOME/trash/<removed at>-<run id>/``; :mod:`mabe_tui.runs.actions.trash` fills and empties it.
"""

from pathlib import Path

from core.run import places

ENTRY_TIME = "%Y%m%dT%H%M%S%f"
"""Format of the time that an entry's name begins with, in UTC."""


def entry_names(home: Path) -> list[str]:
    """Return the names of the entries, newest first; hidden ones are being emptied."""
    try:
        names = [path.name for path in places.trash(home).iterdir()]
    except OSError:
        return []
    return sorted((name for name in names if not name.startswith(".")), reverse=True)


def run_of_entry(name: str) -> str:
    """Return the run that an entry's name refers to."""
    return name.partition("-")[2]


def trashed_runs(home: Path) -> list[str]:
    """Return the ids of the runs that have something in the trash, the last removed first."""
    return list(dict.fromkeys(map(run_of_entry, entry_names(home))))


def restore_hint(run_folder: Path) -> str:
    """Return how to get back what was removed of a run, to end a message with; empty if nothing can be.

    Args:
        run_folder: the run's folder, which need not exist.
    """
    if run_folder.name not in trashed_runs(run_folder.parent.parent):
        return ""
    return f"; `mabe restore {run_folder.name}` brings it back from the trash"
