"""From ``training.start_from`` to the checkpoint that a new run begins with."""

import msgspec

from core.errors import RunError
from core.run.request import Input, RunRequest
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.summary.checkpoints import checkpoint_here, chosen_pointers

AT = "@"


def with_start(store: RunStore, request: RunRequest) -> RunRequest:
    """Name the checkpoint that a request starts from, with its hash, if it starts from one.

    Raises:
        RunError: there is no such run or checkpoint, or the job could not reach it.
    """
    training = request.experiment.training
    if training.start_from is None or request.start is not None:
        return request
    name, _, which = training.start_from.partition(AT)
    which = which or "best"
    try:
        entry = store.find(name)
        (pointer, *_) = chosen_pointers(entry.run, which, one=True)
        if request.launcher == "local":
            checkpoint_here(entry.run, which)
        else:
            _require_elsewhere(store, entry.id, request.launcher)
    except RunError as error:
        raise RunError(f"training.start_from = {training.start_from!r}: {error}") from error
    resolved = msgspec.structs.replace(training, start_from=f"{entry.id}{AT}{which}")
    return msgspec.structs.replace(
        request,
        experiment=msgspec.structs.replace(request.experiment, training=resolved),
        start=Input(run=entry.id, file=pointer.file, sha256=pointer.sha256),
    )


def _require_elsewhere(store: RunStore, run: str, launcher: str) -> None:
    handle = store.find(run).run.read_handle()
    if handle is None or handle.launcher != launcher:
        raise RunError(
            f"its checkpoint is not on {launcher.title()}, where the job would read it; start from a run that"
            " was trained there, or train here with --on local"
        )
