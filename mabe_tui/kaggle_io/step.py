"""What the steps of a delivery share: the account, the record, and waiting."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.system.progress import Progress
from mabe_tui.kaggle_io.account import Account
from mabe_tui.kaggle_io.faults import AGAIN, StillWaitingError
from mabe_tui.kaggle_io.journal import Journal, SubmissionRecord


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for Kaggle, in seconds."""

    between_looks: float = 20.0
    dataset: float = 3600.0
    unknown: float = 300.0
    """For a notebook that was pushed and is not known yet."""
    notebook: float = 12 * 3600.0
    """A notebook may run for 9 hours, and queue before."""
    score: float = 14 * 3600.0
    """It runs again on the hidden videos."""
    settling: float = 60.0
    """Until a submission is surely listed."""


class DeliveryStep:
    """One step of a delivery.

    Args:
        account: at Kaggle.
        journal: what was done so far; held open.
        stage: folder with ``dataset`` and ``kernel`` as they are pushed; output is written beside them.
        check: returns why Kaggle would reject a ``submission.csv``; empty if it would not.
        say: called with a sentence for what was done.
        progress: called while waiting.
        patience: how long to wait.
    """

    def __init__(
        self,
        account: Account,
        journal: Journal,
        stage: Path,
        check: Callable[[Path], Sequence[str]],
        say: Callable[[str], None],
        progress: Progress,
        patience: Patience | None = None,
    ) -> None:
        self.account = account
        self.journal = journal
        self.stage = stage
        self.check = check
        self.say = say
        self.progress = progress
        self.patience = patience or Patience()

    @property
    def record(self) -> SubmissionRecord:
        """What was done so far."""
        return self.journal.record

    def wait(self, is_done: Callable[[], bool], seconds: float, waiting: str, what: str) -> None:
        """Check repeatedly until it is done.

        Raises:
            StillWaitingError: it took too long; the next command continues to wait.
        """
        start = time.monotonic()
        while not is_done():
            waited = time.monotonic() - start
            if waited >= seconds:
                raise StillWaitingError(
                    f"Kaggle: {what}: nothing new for {waited / 60:.0f} min; {AGAIN}"
                )
            self.progress(0, 0, f"waiting for {waiting} ({waited / 60:.0f} min)")
            self.account.pause(self.patience.between_looks)
