"""Runs that repeat each other: what has the same settings but for the seed, and which of them count."""

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
"""States of runs that were given the time to learn, or as much of it as a person wanted."""


class Candidate(Protocol):
    """What is asked of a run to say whether it repeats another."""

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
        """How it is; asked several times, and the same each time."""
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
    """The runs that stand for one setting, newest first."""

    members: tuple[Run, ...]
    """One a seed."""
    left_out: tuple[str, ...] = ()
    """Newer runs, and those of further seeds, that are not finished, and how they are."""


def own_runs(runs: Sequence[Run]) -> Sequence[Run]:
    """Leave out the trials of a study, and runs that validated on nothing, unless there is nothing else."""
    own = [run for run in runs if not run.is_trial] or runs
    return [run for run in own if run.validates] or own


def over_seeds(runs: Sequence[Run]) -> Repeats[Run]:
    """Take the latest finished run together with those that differ from it in nothing but the seed.

    Of each seed the newest finished run counts. A run that has not finished, also one that was stopped, never
    hides what is known: only where none has finished is there the latest alone that came to something.

    Args:
        runs: of one version, newest first; at least one.
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
    """Return what is the same for two experiments only if all their settings but the seed are."""
    settings = {k: v for k, v in identity(experiment).items() if k != "training.seed"}
    return digest(settings)


def request_digest(request: RunRequest, but: Sequence[str] = ()) -> str:
    """Return what is the same for two runs only if all their settings but the seed are, and their inputs.

    Args:
        request: of a run.
        but: further settings that may differ, by key path.
    """
    if not request.inputs and not but:
        return settings_digest(request.experiment)
    left_out = {"training.seed", *but}
    settings = {k: v for k, v in identity(request.experiment).items() if k not in left_out}
    return digest((settings, sorted(each.run for each in request.inputs)))


def data_digest(request: RunRequest) -> str:
    """Return what is the same for two runs only if they learned from and were scored on the same data."""
    found = request.resolved
    if found is None:
        return digest(request.data)
    videos = sorted(found.train_units), sorted(found.validation_units)
    return digest((found.data_fingerprint, *videos))


def digest(value: object) -> str:
    """Return a short text that is the same for equal values only."""
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
