"""Kaggle's answers about an account's competition, dataset, notebook and submission."""

import datetime as dt
from typing import Literal

import msgspec

SubmissionState = Literal["PENDING", "COMPLETE", "ERROR"]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An account in a competition."""

    entered: bool
    """Whether its rules were accepted."""
    disabled: bool
    """Whether it takes no submissions at all."""
    deadline: dt.datetime | None = None
    rank: int | None = None
    """Place on the leaderboard; ``None`` if there is none, as for late submissions."""
    used_today: int = 0
    left_today: int = 0
    limited_by_total: bool = False
    """Whether the limit is that of the whole competition, not of the day."""

    @property
    def is_over(self) -> bool:
        """Return whether the deadline has passed: late submissions are scored, without a rank."""
        if self.deadline is None:
            return False
        deadline = self.deadline
        if deadline.tzinfo is None:
            deadline = deadline.replace(tzinfo=dt.UTC)
        return deadline < dt.datetime.now(dt.UTC)


class RemoteDataset(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset of the account."""

    version: int
    description: str = ""
    """Of the newest version."""


class RemoteKernel(msgspec.Struct, frozen=True, kw_only=True):
    """A notebook of the account."""

    version: int
    source: str = ""
    """Of the newest version."""


class PushedKernel(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a push."""

    version: int
    url: str = ""
    error: str = ""
    invalid: tuple[str, ...] = ()
    """Sources that Kaggle does not attach."""


class KernelSession(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a notebook, as it runs."""

    status: str
    """``QUEUED``, ``RUNNING``, ``COMPLETE``, ``ERROR``, ``CANCEL_REQUESTED`` or ``CANCEL_ACKNOWLEDGED``."""
    failure: str = ""


class KernelOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What one version of a notebook left."""

    files: dict[str, str]
    """Name → address. The addresses are signed: not to be shown or kept."""
    log: str = ""


class RemoteSubmission(msgspec.Struct, frozen=True, kw_only=True):
    """One submission."""

    ref: int
    status: SubmissionState
    description: str = ""
    error: str = ""
    public: float | None = None
    private: float | None = None
