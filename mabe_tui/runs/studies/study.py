"""A study: the values tried for the tuned settings, and their results. Stored by Optuna in SQLite.

Each trial is a run. The study stores only what a run does not know: the ranges, the values drawn from
them, and the run of each trial. The results of a trial are read from its run.
"""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec
import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from core.config.experiment import Experiment, flatten
from core.config.strict import UNSET, field_type
from core.config.tuning import Range, number_type, spelled
from core.errors import RunError, first_line
from core.system.lock import try_lock
from mabe_tui.runs.studies.definition import Prune, StudyDefinition
from mabe_tui.runs.studies.sampling import grid_of, pruner_of, sampler_of
from mabe_tui.runs.tasks import spec_of

DATABASE = "study.db"
OUTSIDE = "outside"
"""Attribute of the first trial: the version's own values outside the ranges, which Optuna cannot draw."""
DEFINITION = "asked"
"""Attribute of a study: its :class:`~mabe_tui.runs.studies.definition.StudyDefinition`."""
OUTCOMES: dict[TrialState, Literal["complete", "pruned", "failed"]] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
ENDED = tuple(OUTCOMES)
WAIT_SECONDS = 60.0
"""Seconds that a write waits for another process that reads the database."""


def _another(key: str) -> str:
    return f"other {key}" if key in ("overrides", "data") else f"another {key}"


class TrialResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one trial."""

    trial: int
    outcome: Literal["complete", "pruned", "failed"]
    values: dict[str, str]
    """Key path → value, written as an override."""
    run: str | None = None
    metric: float | None = None
    """The best value of the monitored metric."""
    epoch: int | None = None
    """The epoch in which it was reached."""
    problem: str | None = None


class StudyTrial:
    """One trial that has not ended."""

    def __init__(self, trial: optuna.Trial, experiment: Experiment) -> None:
        self._trial = trial
        own, kind = trial.user_attrs.get(OUTSIDE, {}), type(experiment)
        self.values = {
            path: own[path] if path in own else _drawn(trial, path, bounds, kind)
            for path, bounds in experiment.tune.items()
        }
        """Key path → value, written as an override."""
        self._told = 0

    @property
    def number(self) -> int:
        """Number of the trial, from 0."""
        return self._trial.number

    @property
    def run(self) -> str | None:
        """The id of its run, which may not have started yet."""
        return self._trial.user_attrs.get("run")

    def become(self, run: str) -> None:
        """Record the id of its run, before that is started."""
        self._trial.set_user_attr("run", run)

    @property
    def to_be_pruned(self) -> bool:
        """Whether the trial has been pruned."""
        return bool(self._trial.user_attrs.get("pruned"))

    def prune(self) -> None:
        """Record that the trial is pruned, before its run is stopped."""
        self._trial.set_user_attr("pruned", True)

    def report(self, epoch: int, value: float) -> None:
        """Report the value after an epoch; ignore an epoch reported before."""
        if epoch > self._told:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # reported before the study was interrupted
                self._trial.report(value, epoch)
            self._told = epoch

    def should_be_pruned(self) -> bool:
        """Return whether the study's pruner calls it hopeless by now."""
        return self._trial.should_prune()

    def explain(self, problem: str) -> None:
        """Record why it failed."""
        self._trial.set_user_attr("problem", problem)


class Study:
    """The trials of one study. Create it with :func:`open_study`."""

    def __init__(self, study: optuna.Study, experiment: Experiment) -> None:
        self._study = study
        self._experiment = experiment
        self.rises = study.direction is StudyDirection.MAXIMIZE
        """Whether a larger value of the monitored metric is better."""

    def unfinished(self) -> list[StudyTrial]:
        """Resume the trials that were running when the study was interrupted."""
        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        # Optuna has no public way to resume a trial that another process started.
        trials = [optuna.Trial(self._study, frozen._trial_id) for frozen in running]
        return [StudyTrial(trial, self._experiment) for trial in trials]

    def new_trial(self) -> StudyTrial:
        """Draw the next values to try."""
        return StudyTrial(self._study.ask(), self._experiment)

    def begun(self) -> int:
        """Count the trials that have ended or are running."""
        states = (*ENDED, TrialState.RUNNING)
        return len(self._study.get_trials(deepcopy=False, states=states))

    def complete(self, trial: StudyTrial, value: float) -> TrialResult:
        """Close a trial whose run trained to its end, with its best value."""
        return _result(self._study.tell(trial.number, value), self.rises)

    def prune(self, trial: StudyTrial) -> TrialResult:
        """Close a trial whose run was pruned."""
        return _result(self._study.tell(trial.number, state=TrialState.PRUNED), self.rises)

    def fail(self, trial: StudyTrial, problem: str) -> TrialResult:
        """Close a trial that failed."""
        trial.explain(problem)
        return _result(self._study.tell(trial.number, state=TrialState.FAIL), self.rises)

    def results(self) -> list[TrialResult]:
        """Return all trials that have ended, in the order of their numbers."""
        trials = self._study.get_trials(deepcopy=False, states=ENDED)
        return [_result(each, self.rises) for each in trials]


def best_of(results: Iterable[TrialResult], rises: bool) -> TrialResult | None:
    """Return the complete trial with the best value; the earliest of equal ones.

    Args:
        results: the results of a study.
        rises: whether a larger value is better.
    """
    complete = [each for each in results if each.outcome == "complete" and each.metric is not None]
    sign = 1.0 if rises else -1.0
    return max(complete, key=lambda each: sign * (each.metric or 0.0), default=None)


def _result(trial: FrozenTrial, rises: bool) -> TrialResult:
    epochs, sign = trial.intermediate_values, 1.0 if rises else -1.0
    epoch = max(epochs, key=lambda number: (sign * epochs[number], -number), default=None)
    return TrialResult(
        trial=trial.number,
        outcome=OUTCOMES[trial.state],
        values={path: spelled(value) for path, value in trial.params.items()}
        | trial.user_attrs.get(OUTSIDE, {}),
        run=trial.user_attrs.get("run"),
        metric=None if epoch is None else epochs[epoch],
        epoch=epoch,
        problem=trial.user_attrs.get("problem"),
    )


@contextmanager
def open_study(
    folder: Path, definition: StudyDefinition, experiment: Experiment, prune: Prune = "median"
) -> Iterator[Study]:
    """Open the study in a folder, or create it, exclusively while the context is open.

    A new study starts with the version's own values, even if they are outside the ranges; one over a grid has
    the grid alone.

    Raises:
        UserError: another process uses it, it has a different definition, or it is unusable.
    """
    with try_lock(folder / ".lock") as held:
        if not held:
            raise RunError(f"{folder}: another `mabe tune` works on this study")
        yield _opened(folder, definition, experiment, prune)


def read_study(folder: Path) -> tuple[optuna.Study, StudyDefinition]:
    """Open a study to read it, also while another process works on it.

    Raises:
        RunError: there is none in the folder, or it is unusable.
    """
    database = folder / DATABASE
    if not database.is_file():
        others = sorted(path.parent.name for path in folder.parent.glob(f"*/{DATABASE}"))
        there = (
            f"there is {', '.join(others)}" if others else "there is none; `mabe tune` makes one"
        )
        raise RunError(f"no study {folder.name!r}; {there}")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.load_study(study_name="study", storage=_storage(database))
    except (SQLAlchemyError, KeyError) as error:
        raise RunError(f"{database}: cannot be used ({first_line(error)})") from error
    known = study.user_attrs.get(DEFINITION)
    if known is None:
        raise RunError(f"{database}: not a study of `mabe tune`")
    return study, msgspec.json.decode(known, type=StudyDefinition)


def _storage(database: Path) -> optuna.storages.RDBStorage:
    return optuna.storages.RDBStorage(
        f"sqlite:///{database}", engine_kwargs={"connect_args": {"timeout": WAIT_SECONDS}}
    )


def _opened(
    folder: Path, definition: StudyDefinition, experiment: Experiment, prune: Prune
) -> Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = _load(folder / DATABASE, experiment, prune)
    except SQLAlchemyError as error:
        raise RunError(f"{folder / DATABASE}: cannot be used ({first_line(error)})") from error
    # The same seed would draw the same values again: after a break, earlier draws must not repeat.
    seed = (experiment.training.seed + len(study.get_trials(deepcopy=False))) % 2**32
    study.sampler = sampler_of(definition.sampler, seed)
    known = study.user_attrs.get(DEFINITION)
    if known is None:
        _queue_first(study, definition, experiment)
        study.set_user_attr(DEFINITION, msgspec.json.encode(definition).decode())
    elif (
        key := msgspec.json.decode(known, type=StudyDefinition).difference(definition)
    ) is not None:
        raise RunError(
            f"{folder}: this study was begun with {_another(key)}; give the new one another --name"
        )
    return Study(study, experiment)


def _queue_first(study: optuna.Study, definition: StudyDefinition, experiment: Experiment) -> None:
    """Queue the trials that are not left to the sampler; those that are queued are not queued again."""
    if definition.sampler == "grid":
        for chosen in grid_of(experiment):
            study.enqueue_trial(chosen, skip_if_exists=True)
        return
    inside, outside = _as_it_stands(experiment)
    study.enqueue_trial(inside, user_attrs={OUTSIDE: outside}, skip_if_exists=True)


def _load(database: Path, experiment: Experiment, prune: Prune) -> optuna.Study:
    training = experiment.training
    return optuna.create_study(
        storage=_storage(database),
        study_name="study",
        direction="maximize" if spec_of(experiment).rises(training.monitor) else "minimize",
        load_if_exists=True,
        pruner=pruner_of(prune, training),
    )


def _as_it_stands(experiment: Experiment) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the version's own values: as parameters if they are in the ranges, else as overrides."""
    own = flatten(experiment)
    inside: dict[str, Any] = {}
    outside: dict[str, str] = {}
    for path, bounds in experiment.tune.items():
        value = own[path]
        text = spelled(UNSET if value is None else value)
        if bounds.choices is not None and text in map(spelled, bounds.choices):
            inside[path] = text
        elif bounds.choices is None and _is_between(value, bounds):
            inside[path] = value
        else:
            outside[path] = text
    return inside, outside


def _is_between(value: object, bounds: Range) -> bool:
    return isinstance(value, int | float) and _low(bounds) <= value <= _high(bounds)


def _drawn(trial: optuna.Trial, path: str, bounds: Range, kind: type[Experiment]) -> str:
    """Draw a value, or return the one that was drawn before."""
    if bounds.choices is not None:
        return str(trial.suggest_categorical(path, [spelled(choice) for choice in bounds.choices]))
    low, high = _low(bounds), _high(bounds)
    if number_type(field_type(kind, path)) is int:
        return spelled(trial.suggest_int(path, int(low), int(high), log=bounds.log))
    return spelled(trial.suggest_float(path, low, high, log=bounds.log))


def _low(bounds: Range) -> float:
    assert bounds.low is not None  # checked when the registry was read
    return bounds.low


def _high(bounds: Range) -> float:
    assert bounds.high is not None
    return bounds.high
