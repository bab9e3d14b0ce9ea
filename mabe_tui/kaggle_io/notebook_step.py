"""Push the notebook, unless Kaggle has it, wait until it has run, and check its output."""

import json
import re
from typing import NoReturn

from core.errors import DataError, RunError
from core.system.files import write_bytes_atomically
from mabe_tui.kaggle_io.answers import KernelOutput
from mabe_tui.kaggle_io.asking import ABSENT
from mabe_tui.kaggle_io.faults import AGAIN, RefusedError, UnansweredError, one_line
from mabe_tui.kaggle_io.journal import UNKNOWN
from mabe_tui.kaggle_io.step import DeliveryStep

FILE = "submission.csv"
LOG = "log.txt"
ERROR = re.compile(r"[\w.]*(Error|Exception|Interrupt|Exit)\b.*: ")
"""The last line of a traceback; programs that made the notebook print more after it."""


class NotebookStep(DeliveryStep):
    """See the module."""

    def run(self) -> None:
        """Do what is left to do.

        Raises:
            UserError: it cannot go on; says why.
        """
        self._push_notebook()
        self._fetch_output()

    def _push_notebook(self) -> None:
        if self.record.kernel_version:
            return
        version = self._pushed_version()
        if version is None:
            found = self.account.kernel(self.record.slug)
            self.journal.note(kernel_before=found.version if found is not None else 0)
            version = self._push()
        self.journal.note(kernel_version=version)
        self.say(f"notebook {self.record.ref}: version {version}, running")

    def _push(self) -> int:
        """Push the notebook; return its version.

        Raises:
            UserError: it was not pushed, or it cannot run.
        """
        try:
            pushed = self.account.push_kernel(self.stage / "kernel")
        except UnansweredError:
            if (version := self._pushed_version()) is None:
                raise
            return version
        if pushed.error or pushed.invalid:
            self._forget_notebook()
            if pushed.invalid:
                names = ", ".join(pushed.invalid)
                raise RunError(
                    f"Kaggle does not attach {names} to the notebook; open it on kaggle.com once (accept"
                    " the rules of a competition), then repeat the command"
                )
            raise RunError(f"Kaggle does not take the notebook: {pushed.error}")
        self.journal.note(kernel_url=pushed.url)
        version = pushed.version or self._pushed_version()
        if version is None:
            raise UnansweredError(f"Kaggle names no version of the notebook it was given; {AGAIN}")
        return version

    def _pushed_version(self) -> int | None:
        """Return the version that our push made, if its answer was lost."""
        before = self.record.kernel_before
        if before == UNKNOWN:
            return None
        found = self.account.kernel(self.record.slug)
        if found is None or found.version <= before:
            return None
        is_ours = not found.source or self.record.digest in found.source
        return found.version if is_ours else None

    def _forget_notebook(self) -> None:
        self.journal.note(kernel_version=0, kernel_before=UNKNOWN)

    def _fetch_output(self) -> None:
        if self.record.checked and (self.stage / FILE).is_file():
            return
        what = f"the notebook {self.record.ref}"
        self.wait(self._is_known, self.patience.unknown, f"Kaggle to start {what}", what)
        self.wait(self._is_complete, self.patience.notebook, f"{what} running", what)
        output = self.account.output(self.record.slug, self.record.kernel_version)
        self._keep_log(output)
        if FILE not in output.files:
            self._fail(f"ended without a {FILE}", output)
        content = self.account.download(output.files[FILE])
        write_bytes_atomically(self.stage / FILE, content)
        problems = self.check(self.stage / FILE)
        if problems:
            raise DataError(
                f"{self.stage / FILE}: not submitted, Kaggle would reject it: {'; '.join(problems)}"
            )
        self.journal.note(checked=True)
        self.say(f"notebook {self.record.ref}: done; its {FILE} passes the check")

    def _is_known(self) -> bool:
        """Return whether Kaggle knows the version, which it does not at once."""
        try:
            self.account.session(self.record.slug, self.record.kernel_version)
        except RefusedError as error:
            if error.status in ABSENT:
                return False
            raise
        return True

    def _is_complete(self) -> bool:
        record = self.record
        session = self.account.session(record.slug, record.kernel_version)
        if session.status == "ERROR" or session.status.startswith("CANCEL"):
            output = self.account.output(record.slug, record.kernel_version)
            self._keep_log(output)
            word = "failed" if session.status == "ERROR" else "was cancelled"
            self._fail(f"{word}{f' ({session.failure})' if session.failure else ''}", output)
        return session.status == "COMPLETE"

    def _keep_log(self, output: KernelOutput) -> None:
        if output.log:
            write_bytes_atomically(self.stage / LOG, log_text(output.log).encode())

    def _fail(self, how: str, output: KernelOutput) -> NoReturn:
        """Raise an error with the last words of the log; the next command pushes anew."""
        record = self.record
        last = last_words(log_text(output.log))
        why = f"{how}: {last}" if last else how
        where = f"; its log is {self.stage / LOG}" if output.log else ""
        self._forget_notebook()
        raise RunError(
            f"the notebook {record.ref}, version {record.kernel_version}, {why}{where};"
            " the same command pushes it again"
        )


def log_text(log: str) -> str:
    """Return a notebook's log as text: Kaggle sends it as a JSON list of what was printed when."""
    try:
        return "".join(str(each["data"]) for each in json.loads(log))
    except (ValueError, KeyError, TypeError):
        return log


def last_words(log: str) -> str:
    """Return the last line of a log that names an error, else its last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if ERROR.match(line)]
    return one_line((errors or lines or [""])[-1])
