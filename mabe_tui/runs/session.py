"""What every front end starts from: which registry, and which folder holds the runs."""

import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from core.config import registry
from core.config.task_modules import search_in
from core.run import places


@dataclass
class Session:
    """What was stated when it was started, and what follows from it."""

    stated_registry: str | None = None
    _stamp: tuple[int, int] | None = field(default=None, init=False, repr=False)
    """Of the registry's file, when it was looked at last."""
    _rereading: threading.Lock = field(
        default_factory=threading.Lock, init=False, repr=False, compare=False
    )

    @cached_property
    def found_registry(self) -> Path | None:
        """The registry that was stated or found by walking up; ``None``: the one in the package."""
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
        """Read the registry anew where its file has changed; a broken one leaves the one in use.

        From any thread; when it returns, what was changed before the call is taken in.

        Raises:
            ConfigError: it is broken; said once for each change of the file.
        """
        with self._rereading:
            path = self.registry.path
            stamp = _stamp(path)
            if stamp is None or stamp == self._stamp:  # None: it is just being written
                return
            self._stamp = stamp
            fresh = registry.load(path)
            for version in fresh.versions:
                fresh.experiment(version)
            self.registry = fresh

    @property
    def home(self) -> Path:
        """The folder that holds runs and caches."""
        return places.home(self.found_registry)

    @property
    def runs(self) -> Path:
        """The folder with one folder a run."""
        return places.runs(self.home)

    @property
    def cache(self) -> Path:
        """The folder of prepared and synthetic data."""
        return places.cache(self.home)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Time and size of a file; ``None``: it cannot be seen now."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
