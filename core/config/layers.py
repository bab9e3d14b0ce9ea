"""The tables that one experiment is made of, the lowest first, and where each setting was stated."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.config.decode import experiment_from
from core.config.experiment import NOT_INHERITED, Experiment
from core.config.inheritance import Table, inherit, merge, states
from core.config.overrides import without_unset
from core.config.tuning import read_ranges
from core.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """What a version inherits, what it states, then a preset, then overrides."""

    version: str
    kind: type[Experiment]
    lineage: Sequence[Table]
    """Of the versions that lead to this one, the oldest first."""
    preset: Table
    overrides: Mapping[str, Table]
    """Key path → the table that states it."""
    typed: Sequence[str]
    """The overrides as they were typed."""
    where: Callable[[str], str]
    """Names the line of the registry's file that states a key path."""

    def experiment(self) -> Experiment:
        """Lay the tables over one another and decode what comes of it.

        Raises:
            ConfigError: a key, a type or a range is wrong; names where it is stated.
        """
        table = without_unset(
            {**self._merged(), "name": self.version, "tune": self._ranges()}, self.kind
        )
        return experiment_from(table, self.name)

    def name(self, path: str) -> str:
        """Return the words that name a key path in a message: ``--set``, or file and line."""
        return f"--set {path}" if self.is_override(path) else self.where(path)

    def is_override(self, path: str) -> bool:
        """Return whether an override states a key path, what it is in, or, alone, what lies below it."""
        bare = re.sub(r"\[.*", "", path)
        if any(f"{bare}.".startswith(f"{key}.") for key in self.overrides):
            return True
        below = any(key.startswith(f"{bare}.") for key in self.overrides)
        return below and not any(states(table, bare) for table in (*self.lineage, self.preset))

    def refuse(self, path: str, problem: str) -> ConfigError:
        """Return the error for a setting that makes no sense beside the others."""
        if not self.overrides or self.is_override(path):
            return ConfigError(f"{self.name(path)}: {problem}")
        section = path.partition(".")[0]
        near = [text for text in self.typed if text.startswith(f"{section}.")] or self.typed
        return ConfigError(
            f"--set {', '.join(near)}: {path} stays as it is, and {problem};"
            f" give it too: --set {path}=VALUE"
        )

    def _merged(self) -> Table:
        merged: Table = {}
        for table in self.lineage[:-1]:
            inherited = {key: value for key, value in table.items() if key not in NOT_INHERITED}
            merged = inherit(merged, inherited, self.kind)
        merged = inherit(merged, self.lineage[-1], self.kind)
        changes = self.preset
        for table in self.overrides.values():
            changes = merge(changes, table)
        return inherit(merged, changes, self.kind)

    def _ranges(self) -> Table:
        layers = [*self.lineage, self.preset, *self.overrides.values()]
        return dict(read_ranges([layer.get("tune", {}) for layer in layers], self.kind, self.name))
