"""The members of an ensemble: runs, or runs of all folds, that each predict every validation unit once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.config.experiment import Experiment, identity
from core.config.task_spec import labels_of, task_spec
from core.errors import ConfigError, DataError, RunError
from core.evaluation.stored_predictions import StoredPredictions
from core.run.request import Input, Resolved, RunRequest, pooled_source
from core.run.rundir import RunDir

HOW_TO_KEEP = "`mabe run VERSION --keep-predictions` keeps them"


@dataclass(frozen=True, slots=True)
class InputRun:
    """A finished run that an ensemble is made of."""

    run: RunDir
    request: RunRequest
    """Resolved: see :func:`open_input`."""
    resolved: Resolved

    @property
    def fold(self) -> int | None:
        """Its fold; ``None`` where it is no run of several folds."""
        data = self.request.experiment.data
        return None if data.folds is None else data.fold


@dataclass(frozen=True, slots=True)
class Member:
    """One run, or one of each fold."""

    name: str
    """For words."""
    runs: tuple[InputRun, ...]
    """In the order of folds."""

    def predictions(self) -> StoredPredictions:
        """Open its predictions of every validation unit.

        Raises:
            DataError: a run has kept none, or the tables do not belong together.
        """
        return StoredPredictions([_predictions(each.run) for each in self.runs])

    @property
    def source(self) -> str | None:
        """Return what is the same only for the same validation units; ``None`` where that is not known."""
        return pooled_source([each.resolved.validation_source for each in self.runs])


def open_input(run: RunDir) -> InputRun:
    """Open a run that is to be a member of an ensemble.

    Raises:
        RunError: it cannot be read, is an ensemble itself, or has not found its data yet.
    """
    request = run.read_request()
    if request.inputs:
        raise RunError(f"{run.id} is an ensemble itself; name its members instead")
    if request.imported or request.resolved is None:
        raise RunError(f"{run.id} has not been trained here, so it has no predictions")
    return InputRun(run, request, request.resolved)


def open_inputs(runs: Path, inputs: Sequence[Input]) -> list[InputRun]:
    """Open the members that an ensemble's request names.

    Args:
        runs: folder of the runs.
        inputs: as the request names them.

    Raises:
        RunError: one was removed, or has another best checkpoint by now, whose predictions are others.
    """
    found = []
    for each in inputs:
        run = RunDir(runs / each.run)
        if not run.path.is_dir():
            raise RunError(
                f"{each.run}, a member of this ensemble, was removed; make the ensemble again, of other runs"
            )
        pointer = run.read_pointer("best")
        if pointer is not None and pointer.sha256 != each.sha256:
            raise RunError(
                f"{each.run}, a member of this ensemble, has another best checkpoint than when the ensemble"
                " was made; make it again"
            )
        found.append(open_input(run))
    return found


def input_of(run: RunDir) -> Input:
    """Return what a request keeps of an input: the run, and its best checkpoint with its hash.

    Raises:
        RunError: it has no checkpoint.
    """
    pointer = run.read_pointer("best")
    if pointer is None:
        raise RunError(f"{run.id} has no best checkpoint, so an ensemble cannot predict with it")
    return Input(run=run.id, file=pointer.file, sha256=pointer.sha256)


def scorer_of(experiment: Experiment) -> str:
    """Return what scores predictions of an experiment's task; see ``score_predictions`` of its spec.

    Raises:
        ConfigError: the task names nothing.
    """
    spec = task_spec(experiment.task)
    if spec.score_predictions is None:
        raise ConfigError(
            f"task {spec.name!r} does not say how predictions of several runs are scored, so its runs"
            " cannot be averaged (score_predictions of its TaskSpec)"
        )
    return spec.score_predictions


def members_of(inputs: Sequence[InputRun]) -> tuple[Member, ...]:
    """Put runs together to members: the runs of all folds with equal settings and seed are one.

    Raises:
        ConfigError: runs of their task cannot be averaged.
        RunError: they learn different tasks or labels, or a fold is missing.
    """
    _require_alike(inputs)
    groups: dict[str, list[InputRun]] = {}
    for number, each in enumerate(inputs):
        alone = each.fold is None
        groups.setdefault(f"{number}" if alone else _repeat_key(each), []).append(each)
    return tuple(member for group in groups.values() for member in _members(group))


def groups_of(members: Sequence[Member], inputs: Sequence[InputRun]) -> tuple[int, ...]:
    """Return the place of the member that each input belongs to.

    Args:
        members: made of the inputs by :func:`members_of`.
        inputs: the runs in the order of the request.
    """
    left = [(place, run) for place, member in enumerate(members) for run in member.runs]
    found = []
    for each in inputs:
        mine = next(pair for pair in left if pair[1] is each)
        left.remove(mine)
        found.append(mine[0])
    return tuple(found)


def _members(group: Sequence[InputRun]) -> list[Member]:
    """Return the members that runs with equal settings, the fold apart, make: one where none comes twice."""
    first = group[0].request
    folds = first.experiment.data.folds
    if folds is None:
        return [Member(each.run.id, (each,)) for each in group]
    by_fold = [[each for each in group if each.fold == fold] for fold in range(folds)]
    count = max(map(len, by_fold))
    what = f"{first.experiment.name}, seed {first.seed}"
    if missing := [str(fold) for fold, runs in enumerate(by_fold) if len(runs) < count]:
        raise RunError(
            f"{what}: no run of fold {', '.join(missing)} of {folds} (counted from 0); an ensemble takes all"
            f" folds: `mabe run {first.experiment.name} --seed {first.seed} --keep-predictions --set"
            f" data.folds={folds} --set data.fold={missing[0]}`"
        )
    return [Member(f"{what}, {folds} folds", runs) for runs in zip(*by_fold, strict=True)]


def _repeat_key(each: InputRun) -> str:
    settings = {k: v for k, v in identity(each.request.experiment).items() if k != "data.fold"}
    return repr((each.request.experiment.name, each.request.seed, settings))


def _require_alike(inputs: Sequence[InputRun]) -> None:
    first = inputs[0]
    scorer_of(first.request.experiment)
    for each in inputs[1:]:
        one, other = first.request.experiment, each.request.experiment
        if one.task != other.task:
            raise RunError(
                f"{first.run.id} and {each.run.id} learn different tasks ({one.task}, {other.task}); an"
                " ensemble averages predictions of one"
            )
        if labels_of(one) != labels_of(other):
            raise RunError(
                f"{first.run.id} and {each.run.id} learn different labels"
                f" ({', '.join(labels_of(one))}; {', '.join(labels_of(other))})"
            )


def _predictions(run: RunDir) -> Path:
    path: Path = run.predictions
    if not path.is_file():
        raise DataError(f"{run.id} has kept no predictions; {HOW_TO_KEEP}, of a new run")
    return path
