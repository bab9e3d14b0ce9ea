"""Runs that repeat each other: the same settings apart from the seed, and which of them count."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import msgspec

from core.config.experiment import Experiment, identity
from core.run.request import RunRequest
from mabe_tui.launch.launcher import RunState

DIGEST_LETTERS = 12
CAME_TO_SOMETHING = (RunState.FINISHED, RunState.STOPPED, RunState.PREEMPTED)
"""States of runs that trained to their end, or for as long as the user let them."""


class Candidate(Protocol):
    """The properties of a run that decide whether it repeats another."""

    @property
    def id(self) -> str:
        """The run's id."""
        ...

    @property
    def seed(self) -> int | None:
        """Its training seed."""
        ...

    @property
    def state(self) -> RunState:
        """Its state; read several times, and the same each time."""
        ...

    @property
    def alike(self) -> str:
        """See :func:`settings_digest`."""
        ...

    @property
    def data(self) -> str:
        """See :func:`data_digest`."""
        ...

    @property
    def validates(self) -> bool:
        """Whether it kept anything for validation."""
        ...

    @property
    def is_trial(self) -> bool:
        """Whether `mabe tune` started it."""
        ...


Run = TypeVar("Run", bound=Candidate)


@dataclass(frozen=True)
class Repeats(Generic[Run]):
    """The runs that represent one setting, newest first."""

    members: tuple[Run, ...]
    """One run per seed."""
    left_out: tuple[str, ...] = ()
    """Unfinished runs that are newer or have further seeds, with their states."""


def own_runs(runs: Sequence[Run]) -> Sequence[Run]:
    """Leave out the trials of a study, and runs that validated on nothing, unless there is nothing else."""
    own = [run for run in runs if not run.is_trial] or runs
    return [run for run in own if run.validates] or own


def over_seeds(runs: Sequence[Run]) -> Repeats[Run]:
    """Return the latest finished run together with those that differ from it in the seed alone.

    The newest finished run of each seed counts. An unfinished run, also a stopped one, never hides finished
    ones. If none has finished, one run counts: the latest in :data:`CAME_TO_SOMETHING`, else the latest.

    Args:
        runs: the runs of one version, newest first; at least one.
    """
    finished_at = (at for at, run in enumerate(runs) if run.state is RunState.FINISHED)
    ended_at = (at for at, run in enumerate(runs) if run.state in CAME_TO_SOMETHING)
    at = next(finished_at, next(ended_at, 0))
    alike = [run for run in runs if run.alike == runs[at].alike]
    newer = [run for run in runs[:at] if run.alike != runs[at].alike]
    finished = [run for run in alike if run.state is RunState.FINISHED]
    if not finished:
        return Repeats((runs[at],), _told(newer))
    members = _one_a_seed([run for run in finished if run.data == finished[0].data])
    others = _one_a_seed([run for run in alike if run.state is not RunState.FINISHED])
    left_out = [run for seed, run in others.items() if seed not in members]
    return Repeats(tuple(members.values()), _told([*newer, *left_out]))


def settings_digest(experiment: Experiment) -> str:
    """Return a digest that two experiments share only if they differ in nothing but the seed."""
    settings = {k: v for k, v in identity(experiment).items() if k != "training.seed"}
    return digest(settings)


def request_digest(request: RunRequest, but: Sequence[str] = ()) -> str:
    """Return a digest that two runs share only if their inputs and settings, except the seed, are the same.

    Args:
        request: the run's request.
        but: further settings that may differ, by key path.
    """
    alone = [each for each in (request.start, request.teacher_kept) if each is not None]
    weights = [*request.averaged, *request.pseudo, *alone, *request.teacher]
    inputs = request.inputs
    if request.experiment.ensemble is not None:
        inputs = ()  # the settings name the members, by their versions
    if not inputs and not but and not weights:
        return settings_digest(request.experiment)
    left_out = {"training.seed", *but}
    settings = {k: v for k, v in identity(request.experiment).items() if k not in left_out}
    hashes = [each.sha256 for each in weights]
    return digest((settings, sorted(each.run for each in inputs), *hashes))


def data_digest(request: RunRequest) -> str:
    """Return a digest that two runs share only if they trained on and were scored on the same data."""
    found = request.resolved
    if found is None:
        return digest(request.data)
    videos = sorted(found.train_units), sorted(found.validation_units)
    return digest((found.data_fingerprint, *videos))


def digest(value: object) -> str:
    """Return a short digest that only equal values share."""
    encoded = msgspec.json.encode(value, order="sorted")
    return hashlib.sha256(encoded).hexdigest()[:DIGEST_LETTERS]


def _told(runs: Sequence[Run]) -> tuple[str, ...]:
    return tuple(f"{run.id} ({run.state})" for run in runs)


def _one_a_seed(runs: Sequence[Run]) -> dict[int | None, Run]:
    """Keep the first, which is the newest, run of each seed."""
    kept: dict[int | None, Run] = {}
    for run in runs:
        kept.setdefault(run.seed, run)
    return kept
