"""From the runs that a person names to the request of an ensemble of them."""

import datetime as dt
from collections.abc import Sequence

import msgspec

from core.config.experiment import EnsembleConfig, Experiment, HardwareConfig, TrainingConfig
from core.ensembles.members import HOW_TO_KEEP, Member, input_of, members_of, open_input
from core.errors import RunError
from core.run.inputs import IN_WORDS
from core.run.request import RunRequest
from core.run.rundir import RunDir, new_run_id

LONGEST_TITLE = 3
"""So many members are named in a title."""


def ensemble_request(
    runs: Sequence[RunDir],
    name: str,
    ensemble: EnsembleConfig | None = None,
    version: Experiment | None = None,
) -> RunRequest:
    """Write down an ensemble of finished runs. Touches nothing.

    Args:
        runs: one or more, all in one folder.
        name: that it is listed under, in a version's place.
        ensemble: how the members become one; ``None``: by their mean.
        version: the version of the registry that it is; ``None``: it has the settings of the first member.

    Raises:
        RunError: a run cannot be a member, kept no predictions, or does not belong with the others.
    """
    inputs = [open_input(run) for run in runs]
    members = members_of(inputs)
    for run in runs:
        if not run.predictions.is_file():
            raise RunError(f"{run.id} has kept no predictions; {HOW_TO_KEEP}, of a new run")
    now, first = dt.datetime.now(dt.UTC), inputs[0].request
    return RunRequest(
        run=new_run_id(name, now),
        created=now,
        launcher="local",
        seed=first.seed,
        experiment=_experiment(first.experiment, name, members, ensemble)
        if version is None
        else settled(version),
        data=first.data,
        task_source=first.task_source,
        inputs=tuple(input_of(run) for run in runs),
    )


def settled(version: Experiment) -> Experiment:
    """Return the settings of a version that is an ensemble, without what only training does."""
    return msgspec.structs.replace(
        version,
        data=msgspec.structs.replace(version.data, folds=None, fold=None),
        training=without_training(version.training),
    )


def without_training(training: TrainingConfig) -> TrainingConfig:
    """Return settings for a run whose one epoch only measures, without what only training does."""
    return msgspec.structs.replace(
        training,
        epochs=1,
        warmup_epochs=0,
        early_stopping_patience=None,
        start_from=None,
        frozen=(),
        pseudo_labels=None,
        teacher=None,
    )


def _experiment(
    first: Experiment, name: str, members: Sequence[Member], ensemble: EnsembleConfig | None
) -> Experiment:
    """Return the settings of the first member, as those of an ensemble."""
    named = ", ".join(member.name for member in members[:LONGEST_TITLE])
    more = f" and {len(members) - LONGEST_TITLE} more" if len(members) > LONGEST_TITLE else ""
    how = IN_WORDS[ensemble.how if ensemble is not None else "mean"]
    return msgspec.structs.replace(
        renamed(settled(first), name, f"{how} {named}{more}"),
        ensemble=ensemble,
        hardware=HardwareConfig(device="cpu"),
    )


def renamed(first: Experiment, name: str, title: str) -> Experiment:
    """Return the settings of a member under a name of their own, without what only describes the member."""
    return msgspec.structs.replace(
        first,
        name=name,
        title=title,
        extends=None,
        status="done",
        notes={},
        assumed=(),
        reported=None,
        group=None,
        tune={},
    )
