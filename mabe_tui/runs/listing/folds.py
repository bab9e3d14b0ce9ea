"""Runs of the folds of a version. A complete set counts as one run, scored on every unit once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from core.run.request import RunRequest
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.listing.seeds import Candidate, digest, request_digest


class FoldCandidate(Candidate, Protocol):
    """The properties of a run that decide whether it is one of several folds."""

    @property
    def folds(self) -> int | None:
        """Number of folds; ``None`` if it has none."""
        ...

    @property
    def fold(self) -> int | None:
        """Its own fold."""
        ...

    @property
    def fold_group(self) -> str:
        """See :func:`fold_group`."""
        ...


Run = TypeVar("Run", bound=FoldCandidate)


@dataclass(frozen=True)
class FoldSet(Generic[Run]):
    """One finished run of each fold, identical except for the fold; or a single run without folds."""

    runs: tuple[Run, ...]
    """The runs, in the order of folds."""

    @property
    def newest(self) -> Run:
        """The run that represents all where only one can."""
        return max(self.runs, key=lambda run: run.id)

    @property
    def is_pooled(self) -> bool:
        """Whether there are several runs."""
        return len(self.runs) > 1

    @property
    def id(self) -> str:
        """The id of the run that represents all."""
        return self.newest.id

    @property
    def seed(self) -> int | None:
        """The seed of all runs."""
        return self.runs[0].seed

    @property
    def state(self) -> RunState:
        """The state of the runs; all folds have finished."""
        return self.runs[0].state

    @property
    def alike(self) -> str:
        """Digest that sets of runs share if they differ in the seed alone."""
        return self.runs[0].fold_group if self.is_pooled else self.runs[0].alike

    @property
    def data(self) -> str:
        """Digest that sets share if they have the same data and the same units in each fold."""
        return digest([run.data for run in self.runs]) if self.is_pooled else self.runs[0].data

    @property
    def validates(self) -> bool:
        """Whether the run kept anything for validation; those of folds do."""
        return self.runs[0].validates

    @property
    def is_trial(self) -> bool:
        """Whether `mabe tune` started it."""
        return self.runs[0].is_trial


def fold_group(request: RunRequest) -> str:
    """Return a digest that two runs share only if they differ in nothing but fold and seed."""
    return request_digest(request, but=("data.fold",))


def fold_sets(runs: Sequence[Run]) -> tuple[list[FoldSet[Run]], tuple[str, ...]]:
    """Group the finished runs of all folds.

    Args:
        runs: the runs of one version, newest first; the newest finished run of each fold and seed counts.

    Returns:
        The runs without folds and the complete sets, newest first, and a sentence for each incomplete
        set. If there are only incomplete sets, their runs stand for themselves.
    """
    groups: dict[tuple[str, int | None], list[Run]] = {}
    found: list[FoldSet[Run]] = []
    for run in runs:
        if run.folds is None:
            found.append(FoldSet((run,)))
        else:
            groups.setdefault((run.fold_group, run.seed), []).append(run)
    incomplete = []
    for group in groups.values():
        complete, sentence = _complete(group)
        found += complete
        incomplete += sentence
    if not found:
        return [FoldSet((run,)) for run in runs], tuple(incomplete)
    order = {run.id: place for place, run in enumerate(runs)}
    return sorted(found, key=lambda each: order[each.id]), tuple(incomplete)


def _complete(group: Sequence[Run]) -> tuple[list[FoldSet[Run]], list[str]]:
    """Return the set that a group of runs makes, or the folds that it lacks."""
    folds = group[0].folds or 0
    by_fold: dict[int | None, Run] = {}
    for run in group:
        if run.state is RunState.FINISHED:
            by_fold.setdefault(run.fold, run)
    missing = [str(fold) for fold in range(folds) if fold not in by_fold]
    if missing:
        what = f"fold{'s' * (len(missing) > 1)} {', '.join(missing)} of {folds}"
        return [], [f"seed {group[0].seed}: {what} (from 0) not finished"]
    return [FoldSet(tuple(by_fold[fold] for fold in range(folds)))], []
