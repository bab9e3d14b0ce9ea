"""From the runs that a new run's settings name to the checkpoints that it begins with or learns from."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from core.errors import RunError
from core.run.inputs import predicting_inputs
from core.run.request import Input, RunRequest
from core.run.trash import restore_hint
from core.system.files import sha256_of
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.checkpoints import (
    checkpoint_here,
    chosen_pointers,
    is_elsewhere,
)

AT = "@"


def named_inputs(store: RunStore, request: RunRequest) -> RunRequest:
    """Name every checkpoint that a request's settings mention; see the functions below.

    Raises:
        RunError: one is not there, or the job could not reach it.
    """
    return with_teacher(store, with_pseudo_labels(store, with_start(store, request)))


def with_start(store: RunStore, request: RunRequest) -> RunRequest:
    """Name the checkpoint that a request starts from, with its hash, if it starts from one.

    Raises:
        RunError: there is no such run or checkpoint, or the job could not reach it.
    """
    stated = request.experiment.training.start_from
    if stated is None or request.start is not None:
        return request
    with _errors_naming("start_from", stated):
        name, checkpoint = _checkpoint(store, stated, request.launcher)
    return msgspec.structs.replace(_with_setting(request, start_from=name), start=checkpoint)


def with_pseudo_labels(store: RunStore, request: RunRequest) -> RunRequest:
    """Name the checkpoints that predict a request's pseudo-labels, with their hashes, if it has any.

    An ensemble predicts with those of its members.

    Raises:
        RunError: there is no such run or checkpoint, or the job could not reach it.
    """
    stated = request.experiment.training.pseudo_labels
    if stated is None or request.pseudo:
        return request
    with _errors_naming("pseudo_labels", stated):
        name, members = _predicting(store, stated, request.launcher)
    return msgspec.structs.replace(_with_setting(request, pseudo_labels=name), pseudo=members)


def with_teacher(store: RunStore, request: RunRequest) -> RunRequest:
    """Name the checkpoints of a request's teacher, and the predictions it kept, with their hashes.

    An ensemble teaches with its members.

    Raises:
        RunError: there is no such run or checkpoint, or the job could not reach it.
    """
    stated = request.experiment.training.teacher
    if stated is None or request.teacher:
        return request
    with _errors_naming("teacher", stated):
        name, members = _predicting(store, stated, request.launcher)
        kept = _kept(store.find(name.partition(AT)[0]))
    return msgspec.structs.replace(
        _with_setting(request, teacher=name), teacher=members, teacher_kept=kept
    )


@contextmanager
def _errors_naming(key: str, stated: str) -> Iterator[None]:
    """Name a setting in the errors about the run that it states."""
    try:
        yield
    except RunError as error:
        raise RunError(f"training.{key} = {stated!r}: {error}") from error


def _predicting(store: RunStore, stated: str, launcher: str) -> tuple[str, tuple[Input, ...]]:
    """Return the full name of a run that predicts, and its checkpoints: those of an ensemble's members."""
    entry = store.find(stated.partition(AT)[0])
    request = entry.require_request()
    if request.inputs:
        members = predicting_inputs(entry.run, request)
        for each in members:
            _require_reachable(store.find(each.run), each.file, launcher)
        return entry.id, members
    name, checkpoint = _checkpoint(store, stated, launcher)
    return name, (checkpoint,)


def _kept(entry: RunEntry) -> Input | None:
    """Return the predictions that a run kept, if they are here; a job elsewhere is sent them."""
    path = entry.run.predictions
    if not path.is_file():
        return None
    return Input(run=entry.id, file=path.name, sha256=sha256_of(path))


def _checkpoint(store: RunStore, stated: str, launcher: str) -> tuple[str, Input]:
    """Return the full name of ``RUN@best``, and what a request keeps of it."""
    name, _, which = stated.partition(AT)
    which = which or "best"
    entry = store.find(name)
    (pointer, *_) = chosen_pointers(entry.run, which, one=True)
    if not _is_at(entry, launcher):
        checkpoint_here(entry.run, which)
    _require_reachable(entry, pointer.file, launcher)
    return f"{entry.id}{AT}{which}", Input(run=entry.id, file=pointer.file, sha256=pointer.sha256)


def _with_setting(request: RunRequest, **changed: str) -> RunRequest:
    experiment = request.experiment
    training = msgspec.structs.replace(experiment.training, **changed)
    return msgspec.structs.replace(
        request, experiment=msgspec.structs.replace(experiment, training=training)
    )


def _require_reachable(entry: RunEntry, file: str, launcher: str) -> None:
    """Check that a job finds a checkpoint: where its run was trained, or here, from where it is sent.

    Raises:
        RunError: it is in neither place.
    """
    if launcher != "local" and _is_at(entry, launcher):
        return
    if not (entry.run.checkpoints / file).is_file():
        mend = (
            f"`mabe pull {entry.id}` brings it"
            if is_elsewhere(entry.run)
            else f"its file was removed{restore_hint(entry.run.path) or '; choose another run'}"
        )
        raise RunError(f"the checkpoint {file} of {entry.id} is not here; {mend}")


def _is_at(entry: RunEntry, launcher: str) -> bool:
    """Return whether a run was trained with a launcher that is not this computer's."""
    handle = entry.run.read_handle()
    return handle is not None and handle.launcher == launcher
