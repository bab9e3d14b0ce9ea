"""The state that every front end starts from: the registry, and the folder that holds the runs."""

import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from core.config import registry
from core.config.task_modules import search_in
from core.errors import UserError
from core.run import places


@dataclass
class Session:
    """The options given at the start, and what follows from them."""

    stated_registry: str | None = None
    registry_problem: str | None = field(default=None, init=False)
    """Why the registry on disk is not the one in use; ``None`` if it is."""
    _stamp: tuple[int, int] | None = field(default=None, init=False, repr=False)
    """Signature of the registry's file at the last check."""
    _rereading: threading.Lock = field(
        default_factory=threading.Lock, init=False, repr=False, compare=False
    )

    @cached_property
    def found_registry(self) -> Path | None:
        """The registry given, or found in a parent folder; ``None``: the one in the package."""
        found = registry.find(Path.cwd(), self.stated_registry)
        if found is not None:
            search_in(found.parent)
        return found

    @cached_property
    def registry(self) -> registry.Registry:
        """The registry in use."""
        path = self.found_registry or registry.default_path()
        self._stamp = _stamp(path)
        return registry.load(path)

    def reread(self) -> None:
        """Reload the registry if its file has changed; keep the one in use if the new one is invalid.

        Thread-safe; on return, every change made before the call has been loaded.

        Raises:
            ConfigError: it is invalid; raised once per change of the file.
        """
        with self._rereading:
            path = self.registry.path
            stamp = _stamp(path)
            if stamp is None or stamp == self._stamp:  # None: it is being written at this moment
                return
            self._stamp = stamp
            try:
                fresh = registry.load(path)
                for version in fresh.versions:
                    fresh.experiment(version)
            except UserError as error:
                self.registry_problem = str(error)
                raise
            self.registry, self.registry_problem = fresh, None

    @property
    def home(self) -> Path:
        """The folder that holds runs and caches."""
        return places.home(self.found_registry)

    @property
    def runs(self) -> Path:
        """The folder with one subfolder per run."""
        return places.runs(self.home)

    @property
    def cache(self) -> Path:
        """The folder of prepared and synthetic data."""
        return places.cache(self.home)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Modification time and size of a file; ``None`` if it cannot be read now."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
