"""Readable errors of Kaggle's client: what was refused, what went unanswered, and when to try again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.errors import UserError
from mabe_tui.kaggle_io.credentials import HOW

SHOWN = 300
"""Characters shown of what Kaggle says."""
AGAIN = "the same command continues where it stopped"


class RefusedError(UserError):
    """Kaggle answered that it did not do what was asked.

    Args:
        message: for people.
        status: the HTTP status.
        said: what Kaggle says about it; may be empty.
        retry_after: seconds to wait, where Kaggle names them.
    """

    def __init__(
        self, message: str, status: int, said: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.said = said
        self.retry_after = retry_after


class UnansweredError(UserError):
    """The connection broke or timed out: whether it was done is not known."""


class StillWaitingError(UserError):
    """What was waited for has not come; nothing was lost."""


@contextmanager
def in_words(doing: str) -> Iterator[None]:
    """Translate an error of Kaggle's client to one line.

    Args:
        doing: what was asked, as in "pushing the notebook".

    Raises:
        RefusedError: Kaggle answered with an error.
        UnansweredError: it did not answer.
    """
    import requests

    try:
        yield
    except requests.exceptions.HTTPError as error:
        raise _refusal(doing, error) from error
    except requests.exceptions.Timeout as error:
        raise UnansweredError(f"Kaggle: {doing}: no answer in time; {AGAIN}") from error
    except requests.exceptions.RequestException as error:
        kind = type(error).__name__  # its text may contain a signed address
        raise UnansweredError(f"Kaggle: {doing}: the connection broke ({kind}); {AGAIN}") from error
    except (ValueError, KeyError) as error:  # what the client rejects by itself, or cannot decode
        raise UserError(f"Kaggle: {doing}: {one_line(error)}") from error


def _refusal(doing: str, error: Any) -> RefusedError:
    response = error.response
    status = response.status_code if response is not None else 0
    said = _said(response)
    after = _seconds(response)
    detail = f" ({said})" if said else ""
    match status:
        case 401:
            words = f"Kaggle refuses the credentials; {HOW}"
        case 403:
            words = f"Kaggle does not allow {doing}{detail}"
        case 404:
            words = f"Kaggle: {doing}: not found{detail}"
        case 429:
            when = f"in {after:.0f} s" if after is not None else "in a few minutes"
            words = f"Kaggle wants fewer requests; the same command works {when}"
        case _ if status >= 500:
            words = f"Kaggle: {doing}: its server answers {status}{detail}; {AGAIN}, later"
        case _:
            words = f"Kaggle: {doing}: refused with {status}{detail}"
    return RefusedError(words, status, said, after)


def _said(response: Any) -> str:
    """Return the message of an error's JSON body; empty if there is none."""
    try:
        message = response.json()["message"]
    except (AttributeError, ValueError, KeyError, TypeError):
        return ""
    return one_line(message)


def _seconds(response: Any) -> float | None:
    """Return the header ``Retry-After`` in seconds; ``None`` if absent or a date."""
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (AttributeError, KeyError, ValueError):
        return None


def one_line(text: object) -> str:
    """Return the beginning of a text of unknown origin, on one line."""
    return " ".join(str(text).split())[:SHOWN]
