"""The tables that make up one experiment, lowest first, and the place where each setting is stated."""

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
    """The inherited settings of a version, its own, then a preset, then overrides."""

    version: str
    kind: type[Experiment]
    lineage: Sequence[Table]
    """The settings of the version and its ancestors, oldest first."""
    preset: Table
    overrides: Mapping[str, Table]
    """Key path → the table that states it."""
    typed: Sequence[str]
    """The overrides as typed."""
    where: Callable[[str], str]
    """Returns the line of the registry's file that states a key path, in words."""

    def experiment(self) -> Experiment:
        """Merge the tables and decode the result.

        Raises:
            ConfigError: a key, a type or a range is wrong; names where it is stated.
        """
        table = without_unset(
            {**self._merged(), "name": self.version, "tune": self._ranges()}, self.kind
        )
        return experiment_from(table, self.name)

    def name(self, path: str) -> str:
        """Return the text that names a key path in a message: ``--set``, or file and line."""
        return f"--set {path}" if self.is_override(path) else self.where(path)

    def is_override(self, path: str) -> bool:
        """Return whether an override sets a key path or a parent, or alone sets something below it."""
        bare = re.sub(r"\[.*", "", path)
        if any(f"{bare}.".startswith(f"{key}.") for key in self.overrides):
            return True
        below = any(key.startswith(f"{bare}.") for key in self.overrides)
        return below and not any(states(table, bare) for table in (*self.lineage, self.preset))

    def refuse(self, path: str, problem: str) -> ConfigError:
        """Return the error for a setting that contradicts others."""
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
