"""The record of one submission, kept in the run's folder, so that nothing is pushed or submitted twice.

The state is written down before it is changed: the newest version *before* a push, the time *before* a
submission. After an interruption, anything newer than that at Kaggle is ours. It never contains a secret.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from core.errors import RunError
from core.run.tables import converted, read_table, write_table
from core.system.lock import try_lock
from mabe_tui.kaggle_io.answers import SubmissionState

FORMAT = 1
UNKNOWN = -1


class SubmissionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was done so far."""

    format: int = FORMAT
    digest: str
    """Of everything that is pushed: another model, other rules or other code make another submission."""
    created: dt.datetime
    competition: str
    runs: tuple[str, ...]
    message: str = ""
    owner: str = ""
    slug: str
    """Of the dataset and of the notebook."""
    dataset_before: int = UNKNOWN
    """Version of the dataset before ours was pushed; 0: there was none."""
    dataset_pushed: bool = False
    dataset_ready: bool = False
    kernel_before: int = UNKNOWN
    kernel_version: int = 0
    """Version that was pushed; 0: none yet."""
    kernel_url: str = ""
    kernel_done: bool = False
    checked: bool = False
    """Whether its output has passed the check."""
    attempt: int = 1
    """Number of this attempt to submit, from 1."""
    asked: dt.datetime | None = None
    """When it was submitted, or about to be."""
    submission: int | None = None
    status: SubmissionState | None = None
    error: str = ""
    public_score: float | None = None
    private_score: float | None = None
    rank: int | None = None

    @property
    def ref(self) -> str:
        """The dataset and the notebook, as in their addresses."""
        return f"{self.owner}/{self.slug}"

    @property
    def tag(self) -> str:
        """What the description of the submission ends with, by which it is recognised."""
        return f"[mabe {self.digest[:12]}.{self.attempt}]"

    @property
    def is_finished(self) -> bool:
        """Return whether Kaggle has scored or rejected it."""
        return self.status in ("COMPLETE", "ERROR")


class Journal:
    """A record on disk; :func:`open_journal` opens it.

    Args:
        path: a TOML file.
        record: its content.
    """

    def __init__(self, path: Path, record: SubmissionRecord) -> None:
        self.path = path
        self.record = record

    def note(self, **changes: Any) -> SubmissionRecord:
        """Change fields of the record, on disk before anything else happens."""
        self.record = msgspec.structs.replace(self.record, **changes)
        write_table(self.path, self.record)
        return self.record


@contextmanager
def open_journal(path: Path, new: SubmissionRecord) -> Iterator[Journal]:
    """Open the record of a submission, or begin it; one process at a time works on it.

    Args:
        path: a TOML file; it need not exist.
        new: the record of a submission that has not begun.

    Raises:
        RunError: another process works on it, or the file is damaged.
        UserError: the folder cannot be written to.
    """
    with try_lock(path.with_name(f".{path.stem}.lock")) as held:
        if not held:
            raise RunError(f"{path}: another `mabe submit` is at work on it; wait for it")
        yield Journal(path, read_record(path) if path.exists() else new)


def read_record(path: Path) -> SubmissionRecord:
    """Read a record.

    Raises:
        RunError: it is damaged, or of a newer format.
    """
    table = read_table(path)
    if isinstance(table.get("format"), int) and table["format"] > FORMAT:
        raise RunError(f"{path}: written by a newer mabe; update mabe to go on with it")
    return converted(table, SubmissionRecord, path)
