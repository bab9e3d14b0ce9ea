"""What every front end starts from: which registry, and which folder holds the runs."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from core import places, registry


@dataclass
class Session:
    """What was stated when it was started, and what follows from it."""

    stated_registry: str | None = None

    @cached_property
    def found_registry(self) -> Path | None:
        """The registry that was stated or found by walking up; ``None``: the one in the package."""
        return registry.find(Path.cwd(), self.stated_registry)

    @cached_property
    def registry(self) -> registry.Registry:
        """The registry in use."""
        return registry.load(self.found_registry or registry.default_path())

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
