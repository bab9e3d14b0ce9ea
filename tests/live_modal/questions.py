"""What the output of a container says of the questions; nothing here talks to Modal."""

from collections.abc import Sequence

import msgspec

from tests.live_modal.inside import MARK


class Answer(msgspec.Struct, frozen=True):
    """What one question came to."""

    question: str
    answer: str
    """``yes``, ``no``, a figure, or why there is no answer."""
    detail: str = ""


CHILD = "does output of a child process carry the function call's id?"
GRACE = "how long does a container live on after a cancel?"
TIMEOUT = "does a time-out interrupt before it kills?"
CALLS = "are several calls of one detached app kept alive?"
APP = "does a detached app stop by itself when its calls have ended?"
STRIPPED = "are blocks of a volume stripped of trailing zeros?"
RESCHEDULED = "is a call whose container was killed given another one?"
BUILD = "does the log of an image build stream?"
SLACK_SECONDS = 2.0
"""Between the last sign of life and its end."""
QUESTIONS = (CHILD, GRACE, TIMEOUT, CALLS, APP, STRIPPED, RESCHEDULED, BUILD)


def words_of(lines: Sequence[str], name: str) -> list[list[str]]:
    """Return the words after the name, of each line that a function of this name printed, in order."""
    start = [MARK, name]
    return [words[2:] for line in lines if (words := line.split())[:2] == start]


def child_answer(lines: Sequence[str], name: str) -> Answer:
    """Read whether both lines of :func:`~tests.live_modal.inside.speak` are in the call's own log."""
    said = {words[0] for words in words_of(lines, name)}
    if "parent" not in said:
        return Answer(CHILD, "unknown", "not even the parent's line came with the call's log")
    return Answer(CHILD, "yes" if "child" in said else "no")


def grace_answer(lines: Sequence[str], name: str, waited: float) -> Answer:
    """Read how long a function went on after it was told of its cancellation.

    Args:
        lines: of its log.
        name: of the function's run.
        waited: seconds for which nobody else ended it.
    """
    told, last, _ = _endured(lines, name)
    if last is None:
        return Answer(GRACE, "unknown", "nothing of it came with its log")
    if told is None:
        return Answer(GRACE, "none", f"it was told nothing; its last sign is at {last:.1f} s")
    how, at = told
    lived = last - at
    if lived >= waited - SLACK_SECONDS:
        return Answer(GRACE, f"at least {waited:.0f} s", f"told by {how}")
    return Answer(GRACE, f"{lived:.1f} s", f"told by {how}")


def timeout_answer(lines: Sequence[str], name: str, timeout: float) -> Answer:
    """Read whether a function was told anything at its time-out, and how long it then went on."""
    told, last, went_through = _endured(lines, name)
    if last is None:
        return Answer(TIMEOUT, "unknown", "nothing of it came with its log")
    end = "went on to its own end" if went_through else f"its last sign is at {last:.1f} s"
    if told is None:
        return Answer(TIMEOUT, "no", f"time-out {timeout:.0f} s; {end}")
    how, at = told
    return Answer(TIMEOUT, "yes", f"time-out {timeout:.0f} s; {how} at {at:.1f} s; {end}")


def _endured(
    lines: Sequence[str], name: str
) -> tuple[tuple[str, float] | None, float | None, bool]:
    """Return what it was told first and when, its last sign, and whether it came to its own end."""
    told, last, went_through = None, None, False
    for words in words_of(lines, name):
        last = float(words[-1])
        if words[0] == "told" and told is None:
            told = words[1], last
        went_through |= words[0] == "through"
    return told, last, went_through
