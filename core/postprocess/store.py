"""Rules as files of a run: ``RUN/postprocess/NAME.toml``."""

import re
from pathlib import Path

from core.errors import MisuseError, RunError, UserError
from core.postprocess.rules import SCHEMA, Rules
from core.run.rundir import RunDir
from core.run.tables import converted, read_table, write_table
from core.system.lock import locked

DEFAULT = "default"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
SUFFIX = ".toml"


def rules_path(run: RunDir, name: str) -> Path:
    """Return the path of a run's rules.

    Raises:
        MisuseError: the name is invalid.
    """
    if not NAME.fullmatch(name) or name.endswith(SUFFIX):
        raise MisuseError(
            f"{name!r} cannot name rules: up to 40 letters, digits, dots, dashes; no path"
        )
    return run.path / "postprocess" / f"{name}{SUFFIX}"


def names_of(run: RunDir) -> list[str]:
    """Return the names of a run's rules, sorted."""
    return sorted(path.stem for path in (run.path / "postprocess").glob(f"[!.]*{SUFFIX}"))


def write_rules(run: RunDir, name: str, rules: Rules, *, replace: bool = False) -> Path:
    """Store rules with a run, and return their path.

    Raises:
        UserError: there are rules of that name and ``replace`` is false, or they cannot be written.
    """
    path = rules_path(run, name)
    if not run.path.is_dir():
        raise RunError(f"{run.path}: not there; was the run removed?")
    with locked(path):
        if path.exists() and not replace:
            raise UserError(f"{path}: there already; --force replaces it, --name writes another")
        write_table(path, rules)
    return path


def read_rules(path: Path) -> Rules:
    """Read a file of rules.

    Raises:
        RunError: it is missing, damaged, or has a newer format.
    """
    table = read_table(path)
    schema = table.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise RunError(
            f"{path}: written by a newer mabe (schema {schema}, this one reads {SCHEMA}); update mabe"
        )
    return converted(table, Rules, path)


def rules_of(run: RunDir, name: str = DEFAULT) -> Rules:
    """Read the rules that a user names; see :func:`rules_file`."""
    return read_rules(rules_file(run, name))


def rules_file(run: RunDir, name: str) -> Path:
    """Return the file of the rules that a user names.

    Args:
        run: the run that predicts.
        name: name of its rules; or a path that ends in ``.toml``.

    Raises:
        RunError: there are no such rules; the message lists those that exist.
    """
    if name.endswith(SUFFIX):
        path = Path(name)
        if not path.is_file():
            raise RunError(f"{path}: not there; `mabe postprocess list {run.id}` lists rules")
        return path
    path = rules_path(run, name)
    if not path.is_file():
        known = names_of(run)
        hint = (
            f"it has {', '.join(known)}"
            if known
            else f"it has none (`mabe postprocess fit {run.id}` fits them)"
        )
        raise RunError(f"{run.id} has no post-processing {name!r}; {hint}")
    return path
