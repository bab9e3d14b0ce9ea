"""Plan a submission: which checkpoints go to Kaggle, fetched if necessary, and what decides there."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigError, MisuseError, RunError
from core.postprocess.store import rules_file
from core.run.inputs import how_combined, is_fitted
from core.run.records import Pointer
from core.run.request import Input
from core.run.rundir import RunDir
from core.run.trash import restore_hint
from core.system.progress import Progress
from core.tasks.actions.settings import ActionsExperiment
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.kaggle_io.staging import SubmissionPlan, TravellingRun, slug_of
from mabe_tui.kaggle_io.wheels import PACKAGES, PYTHONS, ready_wheels, wheels_of
from mabe_tui.runs.actions.control import pull
from mabe_tui.runs.actions.submission_order import most_valuable_first
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.checkpoints import chosen_pointers, is_elsewhere, pointer_names

CLASS_THRESHOLD = 0.5
"""Threshold of a class's probability, above which it is likelier than all others together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionOptions:
    """What is to be submitted, as the user asked for it."""

    competition: str
    which: str
    """Checkpoint of the runs, such as ``best``."""
    rules: str | None
    """Stored post-processing of the first run."""
    threshold: float | None
    tta: bool
    """Average over views."""
    name: str | None
    """Name of the dataset and the notebook."""
    hours: float
    gpu: bool
    wheels: Path | None
    """Folder of wheels; ``None``: pip downloads them."""
    packages: tuple[str, ...]
    """Packages that Kaggle may lack, in addition to the usual ones."""
    pythons: tuple[str, ...]
    """Versions of Python that Kaggle may have; empty: the usual ones."""


def submission_plan(
    entries: Sequence[RunEntry], options: SubmissionOptions, cache: Path, progress: Progress
) -> SubmissionPlan:
    """Plan a submission; checkpoints and wheels that are not here are fetched.

    Args:
        entries: runs; the first determines the post-processing.
        options: the options.
        cache: folder to keep wheels in.
        progress: called with (done, total, what) while something is fetched.

    Raises:
        UserError: a run or its post-processing cannot be submitted, or something cannot be fetched.
    """
    runs = travelling_runs(entries, options.which, progress)
    packages = tuple(dict.fromkeys((*PACKAGES, *_packages_of(runs), *options.packages)))
    if options.wheels is not None:
        wheels = ready_wheels(options.wheels)
    else:
        progress(0, 0, "downloading wheels for Kaggle")
        wheels = wheels_of(packages, options.pythons or PYTHONS, cache)
    return SubmissionPlan(
        competition=options.competition,
        runs=runs,
        slug=options.name or slug_of([entry.short for entry in entries]),
        rules=_rules(entries[0], options, runs),
        threshold=_threshold(options.threshold, runs),
        tta=options.tta,
        seconds=options.hours * 3600,
        gpu=options.gpu,
        wheels=tuple(wheels),
        packages=packages,
    )


def are_classes(runs: Sequence[TravellingRun]) -> bool:
    """Return whether any of the runs predicts classes, which must be translated to actions."""
    return any(
        isinstance(each.request.experiment, BehaviourExperiment) for each in _with_members(runs)
    )


def _with_members(runs: Sequence[TravellingRun]) -> list[TravellingRun]:
    return [each for run in runs for each in (run, *run.members)]


def _packages_of(runs: Sequence[TravellingRun]) -> tuple[str, ...]:
    """Return the packages that models need in addition to those of ``core``."""
    every = _with_members(runs)
    experiments = [each.request.experiment for each in every]
    boosted = any(isinstance(e, ActionsExperiment) and e.model.name == "boost" for e in experiments)
    stacked = any(each.members and how_combined(each.request) == "stack" for each in every)
    return ("lightgbm",) if boosted or stacked else ()


def _rules(
    entry: RunEntry, options: SubmissionOptions, runs: Sequence[TravellingRun]
) -> Path | None:
    if options.rules is None:
        return None
    if options.threshold is not None:
        raise MisuseError("--threshold: rules have their own thresholds; leave out one of the two")
    if are_classes(runs):
        raise MisuseError(
            "--rules: rules are for actions, but a run predicts classes; use --threshold for these"
        )
    return rules_file(entry.run, options.rules)


def _threshold(stated: float | None, runs: Sequence[TravellingRun]) -> float:
    """Return the threshold of every action; by default, the one that the first run was validated with."""
    if stated is not None:
        return stated
    experiment = runs[0].request.experiment
    if are_classes(runs) or not isinstance(experiment, ActionsExperiment):
        return CLASS_THRESHOLD
    return experiment.training.threshold


def travelling_runs(
    entries: Sequence[RunEntry], which: str, progress: Progress | None = None
) -> tuple[TravellingRun, ...]:
    """Return the runs whose predictions are averaged, the most valuable first.

    An ensemble's mean stands for its members, with the checkpoints that they had when it was created. One
    with a fitted second level predicts as one model: its members travel with it. The runs are sorted by
    :func:`~mabe_tui.runs.actions.submission_order.most_valuable_first`.

    Args:
        entries: runs of one or several tasks.
        which: the runs' checkpoint, such as ``best``.
        progress: called with the bytes of checkpoints that are fetched.

    Raises:
        UserError: a run cannot be read, or has no such checkpoint here or where it ran.
    """
    found = [each for entry in entries for each in _of_entry(entry, which, progress)]
    blended = [each.run.id for each in found if each.members]
    if blended and len(found) > 1:
        raise ConfigError(
            f"{blended[0]} has a second level fitted to its members, which cannot be averaged with other"
            " runs; submit it alone"
        )
    return most_valuable_first(found, which)


def _of_entry(entry: RunEntry, which: str, progress: Progress | None) -> list[TravellingRun]:
    request = entry.require_request()
    if request.imported:
        raise RunError(f"{entry.id} was imported from a log, so it has no checkpoint to submit")
    if request.inputs:
        if which != "best":
            raise ConfigError(f"--checkpoint: {entry.id} is an ensemble, which has only 'best'")
        folder = entry.run.path.parent
        members = [
            _member(RunEntry(RunDir(folder / each.run)), each, progress) for each in request.inputs
        ]
        if not is_fitted(request):
            return members
        own = _travelling(entry, chosen_pointers(entry.run, "best", one=True)[0])
        return [dataclasses.replace(own, members=tuple(members))]
    if is_elsewhere(entry.run):
        pull(entry, which, progress)
    pointer = chosen_pointers(entry.run, which, one=True)[0]
    return [_travelling(entry, pointer)]


def _member(entry: RunEntry, of_ensemble: Input, progress: Progress | None) -> TravellingRun:
    """Return a member, with the checkpoint that its ensemble names."""
    run = entry.run
    pointers = [run.read_pointer(name) for name in pointer_names(run)]
    named = [each for each in pointers if each is not None and each.sha256 == of_ensemble.sha256]
    path = run.checkpoints / of_ensemble.file
    if named and not path.is_file() and is_elsewhere(run):
        pull(entry, "best", progress)
    if named:
        return _travelling(entry, named[0])
    size = path.stat().st_size if path.is_file() else 0
    pointer = Pointer(
        file=of_ensemble.file,
        sha256=of_ensemble.sha256,
        bytes=size,
        epoch=0,
        step=0,
        attempt="",
        seq=0,
    )
    return _travelling(entry, pointer)


def _travelling(entry: RunEntry, pointer: Pointer) -> TravellingRun:
    if not (entry.run.checkpoints / pointer.file).is_file():
        removed = restore_hint(entry.run.path) or (
            "; train the run again, or choose another checkpoint (--checkpoint)"
        )
        mend = (
            f"`mabe pull {entry.id} best` brings it"
            if is_elsewhere(entry.run)
            else f"its file was removed{removed}"
        )
        raise RunError(f"the checkpoint {pointer.file} of {entry.id} is not here; {mend}")
    return TravellingRun(run=entry.run, request=entry.require_request(), pointer=pointer)
