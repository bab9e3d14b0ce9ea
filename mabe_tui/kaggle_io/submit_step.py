"""Submit what a notebook made, unless Kaggle has it, and wait for the score."""

import datetime as dt

from core.errors import UserError
from mabe_tui.kaggle_io.answers import Standing
from mabe_tui.kaggle_io.faults import RefusedError, UnansweredError
from mabe_tui.kaggle_io.journal import SubmissionRecord
from mabe_tui.kaggle_io.notebook_step import FILE
from mabe_tui.kaggle_io.step import DeliveryStep

NOT_FOUND = "could not find provided notebook"
"""What Kaggle says for a while after a push (kaggle-cli 473)."""


class SubmitStep(DeliveryStep):
    """See the module."""

    def require_open(self) -> None:
        """Report how many submissions are left today.

        Raises:
            UserError: none is left, or the competition does not accept any.
        """
        standing = self.account.standing(self.record.competition)
        require_open(self.record.competition, standing)
        over = "; the competition is over: it is scored, without a rank" if standing.is_over else ""
        self.say(
            f"submissions left today: {standing.left_today} ({standing.used_today} used){over}"
        )

    def run(self) -> None:
        """Submit.

        Raises:
            UserError: it was not submitted, or this is unknown; the message says what to do.
        """
        record = self.record
        standing = self.account.standing(record.competition)
        require_open(record.competition, standing, "; the notebook is done and need not run again")
        self.journal.note(asked=dt.datetime.now(dt.UTC))
        message = f"{record.message or ' '.join(record.runs)} {record.tag}"
        try:
            ref = self._submitted(message)
        except UnansweredError:
            if self.look():
                return
            raise
        except UserError:
            self.journal.note(asked=None)
            raise
        self.journal.note(submission=ref)
        self.say(f"submitted: {ref}")

    def _submitted(self, message: str) -> int:
        """Submit, as soon as Kaggle knows the notebook's version; return the submission's number."""
        record = self.record
        refs: list[int] = []

        def is_done() -> bool:
            try:
                refs.append(
                    self.account.submit(
                        record.competition, record.slug, record.kernel_version, FILE, message
                    )
                )
            except RefusedError as error:
                if NOT_FOUND in error.said.lower():
                    return False
                raise
            return True

        what = f"version {record.kernel_version} of the notebook {record.ref}"
        self.wait(is_done, self.patience.unknown, f"Kaggle to find {what}", what)
        return refs[0]

    def look(self) -> bool:
        """Return whether Kaggle has the submission whose answer was lost, once that is certain; note it."""
        while not self._is_listed():
            assert self.record.asked is not None
            age = (dt.datetime.now(dt.UTC) - self.record.asked).total_seconds()
            if age >= self.patience.settling:
                return False
            self.progress(0, 0, "waiting for Kaggle to list what was submitted")
            self.account.pause(self.patience.between_looks)
        return True

    def _is_listed(self) -> bool:
        for each in self.account.submissions(self.record.competition):
            if self.record.tag in each.description:
                self.journal.note(submission=each.ref)
                self.say(f"submitted before: {each.ref}")
                return True
        return False

    def wait_for_score(self) -> SubmissionRecord:
        """Wait until it is scored or rejected; return the record.

        Raises:
            UserError: it took too long.
        """
        record = self.record
        assert record.submission is not None
        ref = record.submission
        what = f"submission {ref}"

        def is_scored() -> bool:
            found = self.account.submission(ref)
            if found.status == "PENDING":
                return False
            self.journal.note(
                status=found.status,
                error=found.error,
                public_score=found.public,
                private_score=found.private,
            )
            return True

        self.wait(is_scored, self.patience.score, f"the score of {what}", what)
        standing = self.account.standing(record.competition)
        self.say(f"submissions left today: {standing.left_today}")
        return self.journal.note(rank=None if standing.is_over else standing.rank)


def require_open(competition: str, standing: Standing, done: str = "") -> None:
    """Check that something may be submitted now.

    Args:
        competition: its name.
        standing: of the account.
        done: added to the error, what need not be done again.

    Raises:
        UserError: it is closed, its rules are not accepted, or today's submissions are used up.
    """
    page = f"kaggle.com/competitions/{competition}"
    if standing.disabled:
        raise UserError(f"Kaggle takes no submissions to {competition} any more{done}")
    if not standing.entered:
        raise UserError(f"Kaggle wants the rules accepted first: {page}/rules")
    if standing.left_today <= 0:
        if standing.limited_by_total:
            raise UserError(f"no submission to {competition} is left: their total is used up{done}")
        now = dt.datetime.now(dt.UTC)
        midnight = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), dt.UTC)
        minutes = int((midnight - now).total_seconds() // 60)
        raise UserError(
            f"no submission to {competition} is left today ({standing.used_today} used); there are more"
            f" from 00:00 UTC, in {minutes // 60} h {minutes % 60:02d} min{done}"
        )
