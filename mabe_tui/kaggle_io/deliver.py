"""Deliver a staged submission: push the dataset and the notebook, wait, check, submit, wait for the score.

Each step is recorded before and after (:mod:`mabe_tui.kaggle_io.journal`). Pushing and submitting are not
repeated after a lost answer: first it is looked up whether Kaggle has it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from core.system.progress import Progress
from mabe_tui.kaggle_io.account import Account
from mabe_tui.kaggle_io.dataset_step import DatasetStep
from mabe_tui.kaggle_io.journal import Journal, SubmissionRecord
from mabe_tui.kaggle_io.notebook_step import NotebookStep
from mabe_tui.kaggle_io.step import Patience
from mabe_tui.kaggle_io.submit_step import SubmitStep


def deliver(
    account: Account,
    journal: Journal,
    stage: Path,
    check: Callable[[Path], Sequence[str]],
    say: Callable[[str], None],
    progress: Progress,
    patience: Patience | None = None,
) -> SubmissionRecord:
    """Do what is left to do; the arguments are those of :class:`~mabe_tui.kaggle_io.step.DeliveryStep`.

    Returns:
        The record with the score, or with Kaggle's rejection.

    Raises:
        UserError: it cannot go on; says why, and what to do. What was done is kept.
    """
    if journal.record.is_finished:
        return journal.record
    shared = (account, journal, stage, check, say, progress, patience)
    submitting = SubmitStep(*shared)
    if journal.record.asked is not None and journal.record.submission is None:
        submitting.look()
    if journal.record.submission is None:
        submitting.require_open()
        DatasetStep(*shared).run()
        NotebookStep(*shared).run()
        submitting.run()
    return submitting.wait_for_score()
