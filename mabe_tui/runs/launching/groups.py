"""All versions of a group: the runs that there are, those to be started, and the ensembles of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import msgspec

from core.config.experiment import EnsembleConfig
from core.config.registry import Registry
from core.config.strict import nearest
from core.errors import MisuseError
from core.run.request import RunRequest
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.launching.run_requests import LaunchOptions, requests_for
from mabe_tui.runs.listing.seeds import request_digest
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.run_summary import state_of

KEEP_PREDICTIONS = "training.keep_predictions=true"
RESUMABLE = (RunState.STOPPED, RunState.PREEMPTED, RunState.LOST)
Todo = Literal["use", "follow", "resume", "start"]


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One run of a group."""

    version: str
    request: RunRequest
    todo: Todo
    existing: RunEntry | None = None
    """The run with the same settings, data and seed, unless it is to be started."""

    @property
    def id(self) -> str:
        """Id of the run, which may not be there yet."""
        return self.request.run if self.existing is None else self.existing.id


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """What is to be done for a group."""

    steps: tuple[PlannedRun, ...]
    """In the order of the registry; those of a version follow one another."""
    ensembles: tuple[str, ...]
    """Versions that are made of the others."""


def versions_of(registry: Registry, group: str) -> list[str]:
    """Return the versions of a group, in the order of the registry.

    Raises:
        MisuseError: there are none.
    """
    groups = {version: registry.experiment(version).group for version in registry.versions}
    found = [version for version, own in groups.items() if own == group]
    if not found:
        known = dict.fromkeys(each for each in groups.values() if each is not None)
        raise MisuseError(f"--all {group}: no version is in that group{nearest(group, known)}")
    return found


def group_plan(
    registry: Registry, store: RunStore, group: str, options: LaunchOptions
) -> GroupPlan:
    """Find the runs of all versions of a group, and of the members of its ensembles.

    Every run keeps its predictions. If an ensemble is fitted, all versions are trained in as many folds as
    it has, so that it sees out-of-fold predictions, and so that all are measured on the same units.

    Args:
        registry: the versions.
        store: the runs; finished ones with the same settings, data and seed are used.
        group: name of the group.
        options: apply to every version; their ``version`` is ignored. ``folds`` of 1 is the version's own
            split.

    Raises:
        UserError: there is no such group, or a run is not possible as specified.
    """
    versions = versions_of(registry, group)
    ensembles = {
        version: found
        for version in versions
        if (found := registry.experiment(version).ensemble) is not None
    }
    members = [member for each in ensembles.values() for member in each.members]
    trained = [version for version in versions if version not in ensembles]
    folds = options.folds or _folds(ensembles.values())
    steps = []
    for version in dict.fromkeys([*trained, *members]):
        own = msgspec.structs.replace(
            options,
            version=version,
            folds=None if folds == 1 else folds,
            overrides=(*options.overrides, KEEP_PREDICTIONS),
        )
        steps += [_step(version, request, store) for request in requests_for(registry, own)]
    return GroupPlan(tuple(steps), tuple(ensembles))


def _folds(ensembles: Iterable[EnsembleConfig]) -> int:
    """Return the number of folds that fitted ensembles want; 1 if there are none."""
    return max((each.folds for each in ensembles if each.how != "mean"), default=1)


def _step(version: str, request: RunRequest, store: RunStore) -> PlannedRun:
    wanted = _key(request)
    kin = [
        entry
        for entry in store.entries()
        if entry.version == version
        and entry.request is not None
        and not entry.is_import
        and _key(entry.request) == wanted
    ]
    states = {entry.id: state_of(entry) for entry in kin}
    for entry in kin:  # newest first
        if states[entry.id] is RunState.FINISHED:
            return PlannedRun(version, request, "use", entry)
    for entry in kin:
        if states[entry.id].is_alive:
            return PlannedRun(version, request, "follow", entry)
        if states[entry.id] in RESUMABLE:
            return PlannedRun(version, request, "resume", entry)
    return PlannedRun(version, request, "start")


def _key(request: RunRequest) -> tuple[str, int, str | None]:
    return request_digest(request), request.seed, request.data
