"""Locations of runs, prepared data and view state."""

import os
from pathlib import Path

import platformdirs

from core.errors import ConfigError

APPLICATION = "mabe"


def home(registry: Path | None = None) -> Path:
    """Return the folder that holds runs and caches; it need not exist yet.

    ``$MABE_HOME`` if set, else ``.mabe`` beside ``registry``, else the user's data folder.

    Args:
        registry: the registry file in use, if one was found; the copy inside the package does not count.

    Raises:
        ConfigError: ``$MABE_HOME`` names a file.
    """
    if stated := os.environ.get("MABE_HOME"):
        folder = Path(stated).expanduser().resolve()
        if folder.is_file():
            raise ConfigError(f"MABE_HOME: {folder} is a file; name a folder")
        return folder
    if registry is not None:
        return registry.resolve().parent / ".mabe"
    return Path(platformdirs.user_data_dir(APPLICATION))


def runs(home_folder: Path) -> Path:
    """Return the folder that contains one folder per run."""
    return home_folder / "runs"


def trash(home_folder: Path) -> Path:
    """Return the folder of what was removed and can be restored."""
    return home_folder / "trash"


def cache(home_folder: Path) -> Path:
    """Return the folder of data that can be rebuilt: prepared and synthetic data."""
    return home_folder / "cache"


def cache_of_run(run_folder: Path) -> Path:
    """Return the cache that a run uses: ``$MABE_CACHE``, else the one beside the folder of runs.

    Args:
        run_folder: absolute.
    """
    if stated := os.environ.get("MABE_CACHE"):
        return Path(stated).expanduser().resolve()
    beside = run_folder.parent
    return cache(beside.parent if beside.name == "runs" else home())


def settings() -> Path:
    """Return the file of the dashboard's settings: ``$MABE_CONFIG``, else in the user's configuration."""
    if stated := os.environ.get("MABE_CONFIG"):
        return Path(stated).expanduser()
    return Path(platformdirs.user_config_dir(APPLICATION)) / "dashboard.toml"


def state() -> Path:
    """Return the folder of view state: pinned runs, filters, positions in logs."""
    return Path(os.environ.get("MABE_STATE") or platformdirs.user_state_dir(APPLICATION))
