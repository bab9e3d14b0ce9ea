"""The search path of task modules, including tasks that are not installed.

A custom task is named ``module:ATTRIBUTE`` and may be next to the registry that names it. That folder
is searched for that module only, and after all installed packages, so that no file in it shadows
one of our modules. A run records the folder, and its job searches there too; a rented machine gets a copy.
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from core.errors import ConfigError

OURS = ("core", "mabe_tui")
_folders: list[str] = []


def search_in(folder: Path) -> None:
    """Also search a folder, such as that of a registry, for modules of tasks."""
    if (text := str(folder.resolve())) not in _folders:
        _folders.append(text)


def load_attribute(where: str) -> Any:
    """Import the object named ``module:attribute``.

    Raises:
        ConfigError: the module cannot be imported, or has no such attribute.
    """
    module, _, attribute = where.partition(":")
    try:
        return getattr(_imported(module), attribute)
    except ImportError as error:
        raise ConfigError(f"{where}: {module} cannot be imported ({error})") from error
    except AttributeError as error:
        raise ConfigError(f"{where}: {module} has no {attribute!r}") from error


def _imported(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        unsearched = [folder for folder in _folders if folder not in sys.path]
        if error.name != _top(module) or not unsearched:
            raise
    sys.path.extend(unsearched)
    importlib.invalidate_caches()
    return importlib.import_module(module)


def travelling(*places: str) -> tuple[str, ...]:
    """Return the top-level modules or packages of ``module:attribute`` names that are not ours."""
    return tuple(dict.fromkeys(top for place in places if (top := _top(place)) not in OURS))


def folder_of(place: str) -> str | None:
    """Return the folder in which the top-level module or package of ``module:attribute`` was found.

    ``None`` for ours, and for modules that cannot be found.
    """
    found = None if _top(place) in OURS else importlib.util.find_spec(_top(place))
    if found is None:
        return None
    packages = [*(found.submodule_search_locations or ())]
    files = packages or ([found.origin] if found.origin is not None else [])
    return str(Path(files[0]).parent) if files else None


def _top(place: str) -> str:
    return place.partition(":")[0].partition(".")[0]
