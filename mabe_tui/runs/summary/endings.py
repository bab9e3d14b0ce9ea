"""Describe how a run ended and where a resume continues, from its history and pointers."""

from core.errors import CheckpointError
from core.run.history import History
from core.run.records import Pointer
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import StopOutcome
from mabe_tui.runs.reading.thin_history import thin_history

NOT_FOR_CERTAIN = (
    "asked to stop; whether it has ended cannot be told now: `mabe status {run}` asks again"
)


def stop_words(run: RunDir, outcome: StopOutcome) -> str:
    """Describe how a run ended that was asked to stop, over all its attempts."""
    match outcome:
        case StopOutcome.CLEAN:
            return f"stopped; {_kept_words(run)}"
        case StopOutcome.KILLED:
            return f"did not stop in time and was killed; {_lost_words(run)}"
        case StopOutcome.BEFORE_START:
            return _before_start_words(run)
        case StopOutcome.FINISHED:
            return "finished before it could be stopped"
        case StopOutcome.ENDED:
            return "had ended already"
        case StopOutcome.ENDED_EARLIER:
            return "had ended already, but an earlier start of it went on: that is stopped now"
        case StopOutcome.ASKED:
            return NOT_FOR_CERTAIN.format(run=run.id)


def resume_words(run: RunDir) -> str:
    """Say where a resume continues: ``goes on from its last checkpoint (epoch 7)``."""
    try:
        pointer = run.read_pointer("last")
    except CheckpointError:
        return "goes on from its newest checkpoint that can be read"
    if pointer is None:
        return "starts it again from the beginning: it has no checkpoint"
    return f"goes on from its last checkpoint ({_place(pointer)})"


def _kept_words(run: RunDir) -> str:
    try:
        pointer = run.read_pointer("last")
    except CheckpointError:
        return "`mabe checkpoints` says what is damaged of those it saved"
    if pointer is None:
        return "it has no checkpoint, so a resume starts from the beginning"
    return "its last checkpoint is saved"


def _lost_words(run: RunDir) -> str:
    try:
        pointer = run.read_pointer("last")
    except CheckpointError:
        return _kept_words(run)
    if pointer is None:
        return "it had saved no checkpoint, so nothing of it is left to go on from"
    return f"what it had not saved in a checkpoint is lost; the last is of {_place(pointer)}"


def _before_start_words(run: RunDir) -> str:
    """Say that nothing was lost, because the run never began, or its newest attempt did not."""
    history: History = thin_history(run)
    if not history.events and not history.superseded:
        return "stopped before it had begun"
    last = history.epochs[-1].epoch if history.epochs else 0
    return f"stopped before its newest attempt had begun, after epoch {last}; {_kept_words(run)}"


def _place(pointer: Pointer) -> str:
    return f"epoch {pointer.epoch}, step {pointer.step}"
