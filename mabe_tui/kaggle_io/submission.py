"""A submission from its plan to its score, with its record in a run's folder."""

import datetime as dt
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from core.errors import UserError
from core.submission.bundle import Bundle
from core.system.progress import Progress
from mabe_tui.kaggle_io.account import Account
from mabe_tui.kaggle_io.check import problems_of
from mabe_tui.kaggle_io.deliver import deliver
from mabe_tui.kaggle_io.journal import SubmissionRecord, open_journal
from mabe_tui.kaggle_io.staging import SubmissionPlan, stage
from mabe_tui.kaggle_io.step import Patience


def submit_plan(
    plan: SubmissionPlan,
    account: Account,
    folder: Path,
    say: Callable[[str], None],
    progress: Progress,
    message: str = "",
    again: bool = False,
    data: Path | None = None,
    patience: Patience | None = None,
) -> SubmissionRecord:
    """Push, run, check and submit what a plan says, going on where an earlier call ended.

    Args:
        plan: what is to be submitted.
        account: at Kaggle.
        folder: for the record, ``DIGEST.toml``, and the files of this submission, ``DIGEST/``.
        say: called with a sentence for each step.
        progress: called while waiting.
        message: description of the submission.
        again: submit once more what was scored or rejected before.
        data: the competition's folder, to check the output against.
        patience: how long to wait.

    Returns:
        The record with the score, or with Kaggle's rejection.

    Raises:
        UserError: it cannot go on; says why, and what to do.
    """
    bundle, staged = _staged(plan, account.name, folder)
    new = SubmissionRecord(
        digest=bundle.digest,
        created=dt.datetime.now(dt.UTC),
        competition=plan.competition,
        runs=tuple(dict.fromkeys(each.run.id for each in plan.runs)),
        message=message,
        owner=account.name,
        slug=plan.slug,
    )
    with open_journal(folder / f"{bundle.digest}.toml", new) as journal:
        if again and journal.record.is_finished:
            journal.note(
                attempt=journal.record.attempt + 1,
                message=message,
                asked=None,
                submission=None,
                status=None,
                error="",
                public_score=None,
                private_score=None,
            )
        elif journal.record.is_finished:
            say("this was submitted before; --again submits it once more")
        check = partial(problems_of, data=data)
        record = deliver(account, journal, staged, check, say, progress, patience)
        shutil.rmtree(staged / "dataset", ignore_errors=True)  # links would keep checkpoints alive
    return record


def write_plan(plan: SubmissionPlan, owner: str, folder: Path) -> Bundle:
    """Write what would be pushed.

    Args:
        plan: what is to be submitted.
        owner: name of the account.
        folder: new or empty.

    Raises:
        UserError: the folder has files, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: there already; name a new folder")
    return stage(plan, owner, folder)


def _staged(plan: SubmissionPlan, owner: str, folder: Path) -> tuple[Bundle, Path]:
    """Write what is pushed, or find it written before; return its table and folder.

    Files that were written before are left alone: an upload that broke off goes on with the same file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".staging-", dir=folder) as temporary:
            bundle = stage(plan, owner, Path(temporary))
            final = folder / bundle.digest
            final.mkdir(exist_ok=True)
            for part in ("dataset", "kernel"):
                if not (final / part).exists():
                    (Path(temporary) / part).replace(final / part)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror or error})") from error
    return bundle, final
