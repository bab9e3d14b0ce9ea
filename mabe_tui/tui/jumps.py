"""The command line of the dashboard: ``:run 7b2a``, ``:cmp v5 v6``, as in k9s."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from core.config.registry import Registry
from core.config.strict import nearest
from core.errors import ConfigError, RunError
from mabe_tui.runs.comparison.evaluate import AT
from mabe_tui.runs.store import RunStore
from mabe_tui.tui.dashboard import Dashboard


@dataclass(frozen=True)
class Jump:
    """One command: what it takes and what it opens."""

    takes: str
    help: str
    fewest: int = 1
    most: int = 1


JUMPS = {
    "run": Jump("RUN", "Follow a run: its id, its last letters, or a version's latest"),
    "cmp": Jump("A B…", "Compare versions, runs or checkpoints", 2, 12),
    "launch": Jump("VERSION", "Open the launch form of a version"),
    "video": Jump("RUN", "Watch the validation videos of a run"),
    "ckpt": Jump("RUN", "List the checkpoints of a run"),
    "help": Jump("", "Show every key of this screen", 0, 0),
    "q": Jump("", "Close the dashboard; runs continue", 0, 0),
}
"""Name → command."""
EXAMPLES = [(f":{name} {jump.takes}".rstrip(), jump.help) for name, jump in JUMPS.items()]


def read_jump(text: str, store: RunStore, registry: Registry) -> tuple[str, list[str]]:
    """Parse a typed command, with the runs and versions that its words stand for.

    Raises:
        ConfigError: there is no such command, or it takes more or fewer words.
        RunError: no run or version has that name; names the nearest.
    """
    words = _words(text)
    if not words:
        raise ConfigError(f"type a command: {', '.join(JUMPS)}")
    name, *given = words
    if name not in JUMPS:
        raise ConfigError(f"no command {name!r}{nearest(name, JUMPS)}")
    jump = JUMPS[name]
    if not jump.fewest <= len(given) <= jump.most:
        raise ConfigError(f"write :{name} {jump.takes}".rstrip())
    if name == "launch":
        return name, [_version(given[0], registry)]
    if name == "cmp":
        return name, [_side(word, store, registry) for word in given]
    return name, [store.find(word).id for word in given]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text.lstrip(":"))
    except ValueError as error:
        raise ConfigError("a quotation mark is left open") from error


def _version(name: str, registry: Registry) -> str:
    if name not in registry.versions:
        raise ConfigError(f"no version {name!r}{nearest(name, registry.versions)}")
    return name


def _side(name: str, store: RunStore, registry: Registry) -> str:
    """Return a version as it is, and a run or checkpoint by its whole id."""
    run, at, which = name.partition(AT)
    if not at and run in registry.versions:
        return run
    try:
        return f"{store.find(run).id}{at}{which}"
    except RunError as error:
        raise RunError(f"{error}; versions are {', '.join(registry.versions)}") from error


def open_jump(mabe: Dashboard, name: str, given: Sequence[str]) -> None:
    """Open what a parsed command asks for."""
    match name:
        case "run":
            mabe.open_run(given[0])
        case "cmp":
            mabe.open_comparison(given)
        case "launch":
            mabe.open_launch(given[0])
        case "video":
            mabe.open_videos(given[0])
        case "ckpt":
            mabe.open_checkpoints(given[0])


def complete_jump(text: str, names: Sequence[str]) -> str | None:
    """Complete the last word that is typed: a command, a version or a run; ``None`` if nothing fits.

    Args:
        text: what is typed so far.
        names: versions and runs, by whole ids and by their last letters.
    """
    before, _, last = text.rpartition(" ")
    known = names if before else [*JUMPS]
    if last in known:
        return None
    found = next((name for name in known if last and name.startswith(last) and name != last), None)
    return None if found is None else f"{before} {found}".lstrip()
