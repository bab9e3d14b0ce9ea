"""Build the request of an ensemble from the names of runs and versions, or of a version that is one."""

from collections.abc import Sequence

import msgspec

from core.config.experiment import EnsembleConfig, Experiment
from core.config.registry import VERSION_NAME, Registry
from core.errors import ConfigError, MisuseError, RunError
from core.run.request import RunRequest
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.comparison.found import find_side
from mabe_tui.runs.launching.run_requests import LaunchOptions, experiment_for
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.checkpoints import is_elsewhere
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
        UserError: a name stands for no finished run, or the runs cannot be combined; says why.
    """
    if name is None:
        name = "mean" if ensemble is None else ensemble.how
    if not VERSION_NAME.fullmatch(name) or name == "last":
        raise MisuseError(f"--name {name}: up to 40 letters, digits, dots, dashes; not 'last'")
    if name in registry.versions:
        raise ConfigError(f"--name {name}: a version of the registry is called so; choose another")
    entries = [entry for each in names for entry in _entries(each, store, registry)]
    return _request([entry.run for entry in entries], name, ensemble)


def version_ensemble(
    registry: Registry,
    store: RunStore,
    options: LaunchOptions,
    runs: Sequence[RunDir] | None = None,
) -> RunRequest:
    """Build the request of a version that is an ensemble. Touches no file.

    Args:
        registry: has the version.
        store: the runs.
        options: name the version, and what is changed in its settings.
        runs: of its members; by default, the finished runs that `mabe compare` would take.

    Raises:
        UserError: the version is no ensemble, a member has no finished run, or the runs cannot be combined.
    """
    version = experiment_for(registry, options)
    ensemble = version.ensemble
    if ensemble is None:
        raise ConfigError(f"{version.name} is no ensemble: it has no [ensemble] in the registry")
    if runs is None:
        missing = [each for each in ensemble.members if not _finished(each, store, registry)]
        if missing:
            raise RunError(_how_to_make(version, missing))
        found = [entry for each in ensemble.members for entry in _entries(each, store, registry)]
        runs = [entry.run for entry in found]
    request = _request(runs, version.name, ensemble, version)
    return msgspec.structs.replace(request, overrides=options.overrides, preset=options.preset)


def _request(
    runs: Sequence[RunDir],
    name: str,
    ensemble: EnsembleConfig | None,
    version: Experiment | None = None,
) -> RunRequest:
    from core.ensembles.request import ensemble_request  # imported late: torch

    left = [run.id for run in runs if is_elsewhere(run) and _are_left(run)]
    if left:
        first, *more = left
        others = f", and so for {', '.join(more)}" if more else ""
        raise RunError(
            f"the predictions of {first} are not here; `mabe sync {first}` brings them{others}"
        )
    return ensemble_request(runs, name, ensemble, version)


def _are_left(run: RunDir) -> bool:
    """Return whether a run kept predictions where it ran, and they are not here."""
    return not run.predictions.is_file() and run.read_request().experiment.training.keep_predictions


def _how_to_make(version: Experiment, missing: Sequence[str]) -> str:
    first, *more = missing
    others = f", nor has {', '.join(more)}" if more else ""
    every = f"; `mabe run --all {version.group}` makes all" if version.group is not None else ""
    return (
        f"{version.name} is made of runs, and {first} has none that has finished{others}:"
        f" `mabe run {first} --keep-predictions` makes one{every}"
    )


def _entries(name: str, store: RunStore, registry: Registry) -> list[RunEntry]:
    """Return the runs that a name stands for.

    Raises:
        UserError: there are none, or none has finished.
    """
    finished = _finished(name, store, registry)
    if not finished:
        raise RunError(f"{name} has no finished run to combine; `mabe runs` lists them")
    return finished


def _finished(name: str, store: RunStore, registry: Registry) -> list[RunEntry]:
    found = find_side(name, store, registry, latest=False)
    runs = [run for entry in found.entries for run in found.runs_of(entry)]
    return [run for run in runs if state_of(run) is RunState.FINISHED]
