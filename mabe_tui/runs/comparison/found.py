"""Which runs a name in a comparison stands for: one run, those of a version, or none yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from core.config.experiment import Experiment
from core.config.registry import Registry
from core.errors import ConfigError, RunError
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.listing.folds import fold_group, fold_sets
from mabe_tui.runs.listing.seeds import data_digest, over_seeds, own_runs, request_digest
from mabe_tui.runs.store import LAST, RunEntry, RunStore
from mabe_tui.runs.summary.run_summary import state_of


@dataclass(frozen=True)
class Found:
    """The meaning of a name: an experiment, and its runs, newest first, one per seed."""

    experiment: Experiment
    entries: tuple[RunEntry, ...] = ()
    left_out: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Why runs of the version cannot be read; these runs are skipped."""
    is_run: bool = False
    """Whether the name is that of a run, not a version."""
    folds: Mapping[str, tuple[RunEntry, ...]] = field(default_factory=dict)
    """Id of an entry → the runs of all folds that it represents, in the order of folds."""

    def runs_of(self, entry: RunEntry) -> tuple[RunEntry, ...]:
        """Return the runs whose rows an entry represents: itself, or those of all folds."""
        return self.folds.get(entry.id, (entry,))


def find_side(name: str, store: RunStore, registry: Registry, latest: bool) -> Found:
    """Find a run, the runs of a version, or else the bare version of that name.

    Args:
        name: the name as typed.
        store: the runs.
        registry: the versions.
        latest: let a version stand for its latest run alone, ignoring other seeds.

    Raises:
        ConfigError: neither a run nor a version.
        RunError: the run cannot be read.
    """
    try:
        entry = store.find(name)
    except RunError as no_run:
        if name == LAST or name not in registry.versions:
            raise ConfigError(f"{no_run}; versions are {', '.join(registry.versions)}") from None
        return Found(registry.experiment(name))
    if name != entry.version:
        return Found(entry.require_request().experiment, (entry,), is_run=True)
    of_version = [e for e in store.entries() if e.version == name and not e.is_import]
    own = _own_runs(of_version)
    problems = tuple(entry.problem for entry in of_version if entry.problem is not None)
    if len(problems) == len(of_version) and name in registry.versions:  # none can be read
        return Found(registry.experiment(name), unreadable=problems)
    found = Found(own[0].require_request().experiment, (own[0],)) if latest else _over_seeds(own)
    return replace(found, unreadable=problems)


@dataclass(frozen=True)
class _Candidate:
    """A run that may be one of several seeds; its state is read only if needed."""

    entry: RunEntry

    @property
    def id(self) -> str:
        return self.entry.id

    @property
    def seed(self) -> int:
        return self.entry.require_request().seed

    @cached_property
    def state(self) -> RunState:
        return state_of(self.entry)

    @property
    def alike(self) -> str:
        return request_digest(self.entry.require_request())

    @property
    def folds(self) -> int | None:
        return self.entry.require_request().experiment.data.folds

    @property
    def fold(self) -> int | None:
        return self.entry.require_request().experiment.data.fold

    @cached_property
    def fold_group(self) -> str:
        return fold_group(self.entry.require_request())

    @property
    def data(self) -> str:
        return data_digest(self.entry.require_request())

    @property
    def validates(self) -> bool:
        return self.entry.require_request().experiment.data.validates

    @property
    def is_trial(self) -> bool:
        return self.entry.is_trial


def _own_runs(runs: Sequence[RunEntry]) -> Sequence[RunEntry]:
    """Return the readable runs; trials of a study only if there is nothing else."""
    readable = [_Candidate(entry) for entry in runs if entry.request is not None]
    return [run.entry for run in own_runs(readable)] or runs


def _over_seeds(runs: Sequence[RunEntry]) -> Found:
    sets, incomplete = fold_sets([_Candidate(entry) for entry in runs])
    found = over_seeds(sets)
    entries = tuple(each.newest.entry for each in found.members)
    folds = {each.id: tuple(run.entry for run in each.runs) for each in found.members}
    return Found(
        entries[0].require_request().experiment,
        entries,
        (*found.left_out, *incomplete),
        folds={run: each for run, each in folds.items() if len(each) > 1},
    )


def repeat_digest(entry: RunEntry) -> tuple[str, str, str]:
    """Return a key that two runs share only if they have the same version, data and settings but the seed."""
    candidate = _Candidate(entry)
    return entry.version, candidate.alike, candidate.data


def kin_of(entry: RunEntry, store: RunStore) -> tuple[RunEntry, ...]:
    """Return the finished runs that repeat a run with other seeds, and the run itself if it has finished.

    They show the spread over its version's seeds. The newest run of each seed counts; for the run's own seed,
    the run itself counts.
    """
    digest, own = repeat_digest(entry), _Candidate(entry)
    kept: dict[int, _Candidate] = {}
    for each in [own, *map(_Candidate, store.entries())]:
        if each.entry.version != entry.version or each.entry.request is None:
            continue  # the name is enough, without reading the run
        if each.entry.is_import or repeat_digest(each.entry) != digest:
            continue
        if each.seed not in kept and each.state is RunState.FINISHED:
            kept[each.seed] = each
    return tuple(each.entry for each in kept.values())
