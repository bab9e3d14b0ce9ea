"""Build the request of an ensemble from the names of runs and versions."""

from collections.abc import Sequence

from core.config.experiment import EnsembleConfig
from core.config.registry import VERSION_NAME, Registry
from core.errors import ConfigError, MisuseError, RunError
from core.run.request import RunRequest
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.comparison.found import find_side
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.run_summary import state_of


def ensemble_of(
    names: Sequence[str],
    name: str | None,
    store: RunStore,
    registry: Registry,
    ensemble: EnsembleConfig | None = None,
) -> RunRequest:
    """Build the request of an ensemble, which makes one prediction of several runs'. Touches no file.

    Args:
        names: runs or versions; a version stands for the finished runs that `mabe compare` would take.
        name: the name under which the ensemble is listed; by default, that of the way.
        store: the runs.
        registry: the versions, whose names are taken.
        ensemble: how the predictions become one; ``None``: by their mean.

    Raises:
        UserError: a name stands for no finished run, or the runs cannot be averaged; says why.
    """
    from core.ensembles.request import ensemble_request  # imported late: torch

    if name is None:
        name = "mean" if ensemble is None else ensemble.how
    if not VERSION_NAME.fullmatch(name) or name == "last":
        raise MisuseError(f"--name {name}: up to 40 letters, digits, dots, dashes; not 'last'")
    if name in registry.versions:
        raise ConfigError(f"--name {name}: a version of the registry is called so; choose another")
    entries = [entry for each in names for entry in _entries(each, store, registry)]
    return ensemble_request([entry.run for entry in entries], name, ensemble)


def _entries(name: str, store: RunStore, registry: Registry) -> list[RunEntry]:
    """Return the runs that a name stands for.

    Raises:
        UserError: there are none, or none has finished.
    """
    found = find_side(name, store, registry, latest=False)
    runs = [run for entry in found.entries for run in found.runs_of(entry)]
    finished = [run for run in runs if state_of(run) is RunState.FINISHED]
    if not finished:
        raise RunError(f"{name} has no finished run to average; `mabe runs` lists them")
    return finished
