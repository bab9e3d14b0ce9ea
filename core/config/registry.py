"""``experiments.toml`` → :class:`~core.config.experiment.Experiment`.

Tables merge deeply along ``extends``, arrays are replaced; another model has its own shape
(:mod:`core.config.inheritance`), overrides and ``"none"`` come last (:mod:`core.config.overrides`,
:mod:`core.config.layers`). Keys that describe one version alone
(:data:`~core.config.experiment.NOT_INHERITED`) are not inherited. A version's task, which it states or
inherits, decides which settings it has.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import core
from core.config.decode import task_named
from core.config.experiment import DEFAULT_TASK, Experiment, flatten
from core.config.experiment_rules import problems
from core.config.inheritance import Table, states
from core.config.layers import Layers
from core.config.overrides import parse_override, without_unset
from core.config.strict import convert, nearest
from core.config.task_modules import search_in
from core.config.task_spec import TaskSpec, task_spec
from core.config.toml_lines import line_of
from core.config.toml_text import TomlError, read_toml
from core.errors import ConfigError, MisuseError

FILE_NAME = "experiments.toml"
FORMAT = 1
OF_THE_MANAGER = ("alerts", "trash")
"""Keys at the top that are read by what lists, watches and removes runs, and checked there."""
VERSION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")


@dataclass(frozen=True, slots=True)
class Registry:
    """All versions of one file, as written; each is resolved on demand."""

    path: Path
    tables: Mapping[str, Table]
    presets: Mapping[str, Table]
    text: str = field(repr=False)
    manager: Mapping[str, object] = field(default_factory=dict)
    """What the file says to the manager of experiments, as written: see :data:`OF_THE_MANAGER`."""

    @property
    def versions(self) -> tuple[str, ...]:
        """Names of the versions, in the order of the file."""
        return tuple(self.tables)

    def experiment(
        self, version: str, overrides: Sequence[str] = (), preset: str | None = None
    ) -> Experiment:
        """Resolve one version: its inherited settings, then the preset, then the overrides.

        Args:
            version: a name in the registry.
            overrides: ``key.path=value`` each; the value as TOML, or plain text.
            preset: a name under ``[presets]``.

        Raises:
            ConfigError: in one line, names the file, the key path and the allowed values.
        """
        layers = self._layers(version, overrides, preset)
        experiment = layers.experiment()
        for path, problem in problems(experiment):
            if overrides:
                self.experiment(version, (), preset)  # problems of the file come first
            raise layers.refuse(path, problem)
        self._check_assumed(experiment)
        self._check_members(experiment)
        return experiment

    def spec(self, version: str) -> TaskSpec:
        """Return the spec of a version's task: the one it names, or that of the version it extends.

        Raises:
            ConfigError: there is no such version or task, or the version extends one of another task.
        """
        lineage = self.lineage(version)
        task, spec = DEFAULT_TASK, task_spec(DEFAULT_TASK)
        for parent, name in zip([None, *lineage], lineage, strict=False):
            own = self.tables[name].get("task", task)
            where = self._line([f"experiments.{name}"], "task")
            spec = task_named(own, where)
            if parent is not None and own != task:
                raise ConfigError(
                    f"{where}: {name} extends {parent}, whose task is {task!r}, and settings of one task"
                    " are none of another; take one of the two lines out"
                )
            task = own
        return spec

    def _layers(self, version: str, overrides: Sequence[str], preset: str | None) -> Layers:
        lineage = self.lineage(version)
        kind = self.spec(version).experiment
        if preset is not None:
            self._require_fitting(preset, version)
        places = [f"presets.{preset}"] if preset is not None else []
        places += [f"experiments.{name}" for name in reversed(lineage)]
        return Layers(
            version=version,
            kind=kind,
            lineage=[self.tables[name] for name in lineage],
            preset=self._preset(preset) if preset is not None else {},
            overrides=dict(parse_override(text, kind) for text in overrides),
            typed=overrides,
            where=lambda path: self._line(places, path),
        )

    def lineage(self, version: str) -> list[str]:
        """Return the version and its ancestors, oldest first.

        Raises:
            ConfigError: an unknown name, or a cycle in ``extends``.
        """
        names = [version]
        if version not in self.tables:
            raise ConfigError(f"{self.path}: no version {version!r}{nearest(version, self.tables)}")
        while (parent := self.tables[names[0]].get("extends")) is not None:
            problem = None
            if not isinstance(parent, str) or parent not in self.tables:
                problem = f"no version {parent!r}{nearest(str(parent), self.tables)}"
            elif parent in names:
                problem = f"a cycle, {' → '.join([parent, *names])}; break it"
            if problem is not None:
                where = self._line([f"experiments.{names[0]}"], "extends")
                raise ConfigError(f"{where}: {problem}")
            names.insert(0, parent)
        return names

    def presets_for(self, version: str) -> list[str]:
        """Return the presets whose settings a version's task has.

        Raises:
            ConfigError: as :meth:`spec`.
        """
        kind = self.spec(version).experiment
        return [name for name in self.presets if self._preset_error(name, kind) is None]

    def _preset(self, preset: str) -> Table:
        if preset not in self.presets:
            hint = nearest(preset, self.presets)
            raise MisuseError(f"{self.path}: no preset {preset!r} under [presets]{hint}")
        if "task" in self.presets[preset]:
            where = self._line([f"presets.{preset}"], "task")
            raise ConfigError(f"{where}: a version has one task, and a preset cannot change it")
        return {key: value for key, value in self.presets[preset].items() if key != "title"}

    def _require_fitting(self, preset: str, version: str) -> None:
        """Refuse a preset that is made for versions of another task.

        Raises:
            ConfigError: names the presets that fit.
        """
        spec = self.spec(version)
        error = self._preset_error(preset, spec.experiment)
        if error is None or all(self._preset_error(preset, kind) for kind in self._kinds()):
            return  # a mistake in the preset is reported with its place
        fitting = self.presets_for(version)
        raise ConfigError(
            f"preset {preset!r} is not for {version}, whose task is {spec.name!r}; presets for it:"
            f" {', '.join(fitting) or 'none'}"
        )

    def assumed(self, version: str) -> frozenset[str]:
        """Return the settings whose values are our choice, in this version or inherited from an ancestor.

        A value that a version inherits unchanged from one that assumed it is assumed there too. A
        version that states it, even with the same value, revokes this, unless it assumes it again.

        Raises:
            ConfigError: as :meth:`experiment`.
        """
        assumed: set[str] = set()
        before: dict[str, object] = {}
        for name in self.lineage(version):
            experiment = self.experiment(name)
            settings = flatten(experiment)
            assumed = {
                key
                for key in assumed
                if settings.get(key) == before.get(key) and not states(self.tables[name], key)
            }
            assumed |= {
                key
                for key in settings
                for path in experiment.assumed
                if key == path or key.startswith(f"{path}.")
            }
            before = settings
        return frozenset(assumed)

    def check_presets(self) -> None:
        """Check the keys and types of all presets, whether or not they are used.

        Each must fit the versions of one task in the registry.

        Raises:
            ConfigError: in one line, names the file, the preset, the key path and the allowed values.
        """
        kinds = self._kinds()
        for preset in self.presets:
            errors = [self._preset_error(preset, kind) for kind in kinds]
            if all(errors) and errors[0] is not None:
                raise errors[0]

    def _kinds(self) -> list[type[Experiment]]:
        """Return the experiments of all tasks in the registry."""
        return list(dict.fromkeys(self.spec(version).experiment for version in self.versions))

    def _preset_error(self, preset: str, kind: type[Experiment]) -> ConfigError | None:
        table = without_unset(self._preset(preset), kind)
        try:
            convert({**table, "name": preset}, kind, lambda p: self._line([f"presets.{preset}"], p))
        except ConfigError as error:
            return error
        return None

    def _check_assumed(self, experiment: Experiment) -> None:
        known = flatten(experiment)
        for path in experiment.assumed:
            if not any(key == path or key.startswith(f"{path}.") for key in known):
                where = self._line([f"experiments.{experiment.name}"], "assumed")
                raise ConfigError(f"{where}: no setting {path!r}{nearest(path, known)}")

    def _check_members(self, experiment: Experiment) -> None:
        """Refuse an ensemble of what is not in the registry, or of another task."""
        for member in experiment.ensemble.members if experiment.ensemble is not None else ():
            problem = None
            if member == experiment.name:
                problem = "an ensemble is not a member of itself"
            elif member not in self.tables:
                problem = f"no version {member!r}{nearest(member, self.tables)}"
            elif (task := self.spec(member).name) != experiment.task:
                problem = f"{member} learns another task, {task!r}; members are of one task"
            if problem is not None:
                places = [f"experiments.{name}" for name in reversed(self.lineage(experiment.name))]
                raise ConfigError(f"{self._line(places, 'ensemble.members')}: {problem}")

    def _line(self, places: Sequence[str], path: str) -> str:
        """Name the line of the file that states ``path``, in the first of ``places`` that does."""
        key = re.sub(r"\[.*", "", path)
        for place in places:
            if (line := line_of(self.text, f"{place}.{key}".rstrip("."))) is not None:
                return f"{self.path}:{line}: {place}.{path}".rstrip(".")
        return f"{self.path}: {places[0]}.{path}".rstrip(".")


def find(start: Path, stated: str | None = None) -> Path | None:
    """Find the registry: ``stated``, else ``$MABE_REGISTRY``, else in ``start`` or its parents.

    Returns:
        ``None`` if there is none, in which case :func:`default_path` is used.

    Raises:
        ConfigError: the stated one does not exist.
    """
    named = stated or os.environ.get("MABE_REGISTRY")
    if named:
        path = Path(named).expanduser()
        path = path / FILE_NAME if path.is_dir() else path
        if not path.is_file():
            raise ConfigError(f"{path}: no such registry; `mabe init` writes one")
        return path
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def default_path() -> Path:
    """Return the registry that comes with the package."""
    package = Path(core.__file__).resolve().parent
    shipped = package / FILE_NAME  # a wheel contains a copy; a checkout has it one folder up
    return shipped if shipped.is_file() else package.parent / FILE_NAME


def load(path: Path) -> Registry:
    """Read a registry. Versions are checked when they are resolved; its folder is also searched for tasks.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or is not a registry.
    """
    search_in(path.parent)
    try:
        text, content = read_toml(path)
    except TomlError as error:
        where = path if error.line is None else f"{path}:{error.line}"
        raise ConfigError(f"{where}: not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror or error}); `mabe init` writes a registry"
        ) from error
    return parsed(path, text, content)


def parsed(path: Path, text: str, content: Table) -> Registry:
    """Parse a registry from a file's content.

    Args:
        path: the file.
        text: its content.
        content: the same as nested tables.

    Raises:
        ConfigError: it is not a registry.
    """
    known = ("format", "experiments", "presets", *OF_THE_MANAGER)
    for key in content:
        if key not in known:
            hint = nearest(key, known)
            raise ConfigError(f"{path}: unknown key {key!r} at the top{hint}")
    if content.get("format", FORMAT) != FORMAT:
        raise ConfigError(f"{path}: format {content['format']!r}; this mabe reads format {FORMAT}")
    experiments = _tables_of(content, "experiments", path)
    if not experiments:
        raise ConfigError(
            f"{path}: no [experiments.…] table; `mabe init` writes a registry to start from"
        )
    manager = {key: content[key] for key in OF_THE_MANAGER if key in content}
    return Registry(path, experiments, _tables_of(content, "presets", path), text, manager)


def _tables_of(content: Table, key: str, path: Path) -> dict[str, Table]:
    tables = content.get(key, {})
    if not isinstance(tables, dict) or not all(
        isinstance(table, dict) for table in tables.values()
    ):
        raise ConfigError(f"{path}: {key} must hold one table a name, as in [{key}.name]")
    for name in tables:
        require_name(name, path)
    return tables


def require_name(name: str, path: Path) -> None:
    """Reject an invalid name of a version or a preset.

    Raises:
        ConfigError: names the file and the allowed names.
    """
    if not VERSION_NAME.fullmatch(name) or name == "last":
        raise ConfigError(
            f"{path}: {name!r} cannot be a name: letters, digits, '_', '.', '-' only, 40 at most, not 'last'"
        )
