"""Ownership of a run's folder on the volume, as seen by its containers: the newest start owns it.

A container works on its own view of the volume, where another start of the run does not show up; it
therefore queries the volume itself. Once an attempt is no longer the newest, it is not committed any
more, and its job, which sees the newer attempt's folder, exits without saving.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import modal

from core.errors import RunError
from core.run.rundir import ATTEMPT, RunDir
from mabe_tui.launch.modal_commits import within

CLAIMED_FOR = "claimed-for"
"""File in an attempt's folder: the attempt name that the launcher chose for the call. If Modal restarts the
call, it claims further attempts; this name tells them from those of another call."""
CALL = "call"
"""File in an attempt's folder: the id of the function call that claimed it, for other computers."""
LOOK_SECONDS = 30.0
"""Seconds between two checks for a newer attempt, in addition to the one before each commit."""
LIST_SECONDS = 30.0
"""Time limit for listing the volume."""
LEAVE_SECONDS = 1.0


class OutdatedError(RunError):
    """A newer start of the run owns its folder."""


def claim(run: RunDir, attempt: str, call: str = "") -> str:
    """Claim the attempt, or the next free name if it or a later one already exists.

    Two computers that have a copy of the run may start it with the same number. The latest claim wins.

    Args:
        run: the run's folder on the volume, as last committed.
        attempt: the name that the launcher chose for the call.
        call: the id of the call; empty if unknown.

    Raises:
        OutdatedError: a later call already has an attempt here; nothing was claimed.
    """
    if not ATTEMPT.fullmatch(attempt):
        raise ValueError(f"not an attempt's name: {attempt!r}")
    if later := _later_start(run, attempt):
        raise OutdatedError(f"{run.id}: a later start of it (attempt {later}) owns its folder")
    name = attempt
    if attempt.split("-")[0] > max((each.split("-")[0] for each in run.attempts()), default=""):
        run.attempt_folder(attempt).mkdir(parents=True)
    else:
        name = run.claim_attempt()
    (run.attempt_folder(name) / CLAIMED_FOR).write_text(attempt)
    if call:
        (run.attempt_folder(name) / CALL).write_text(call)
    return name


def commit_if_newest(
    newest: Callable[[], str], run: RunDir, attempt: str, commit: Callable[[], None]
) -> None:
    """Commit, unless the volume holds a newer attempt, whose pointers would be overwritten.

    Args:
        newest: returns the name of the newest attempt on the volume.
        run: the run's folder in this container.
        attempt: this container's attempt.
        commit: commits once.

    Raises:
        OutdatedError: there is a newer attempt; nothing was committed.
        Exception: whatever the commit raises.
    """
    if (found := _newer(newest, attempt)) is not None:
        _show(run, found)
        raise OutdatedError(f"attempt {found} is newer: this one is kept no longer")
    commit()


@contextlib.contextmanager
def giving_way(newest: Callable[[], str], run: RunDir, attempt: str) -> Iterator[None]:
    """Check regularly for a newer attempt while the context is open, and make it visible to the job."""
    leave = threading.Event()

    def work() -> None:
        while not leave.wait(LOOK_SECONDS):
            if (found := _newer(newest, attempt)) is not None:
                _show(run, found)
                return

    thread = threading.Thread(target=work, name="giving way", daemon=True)
    thread.start()
    try:
        yield
    finally:
        leave.set()
        thread.join(LEAVE_SECONDS)


def newest_on(volume: modal.Volume, run_id: str) -> str:
    """Return the name of the newest committed attempt of a run; empty if there is none.

    Raises:
        TimeoutError: there was no answer in time.
        Exception: whatever the client raises.
    """
    entries = within(LIST_SECONDS, lambda: volume.listdir.aio(f"/{run_id}/attempts"))
    names = (PurePosixPath(entry.path).name for entry in entries)
    return max((name for name in names if ATTEMPT.fullmatch(name)), default="")


def _newer(newest: Callable[[], str], attempt: str) -> str | None:
    """Return the newest attempt if it is newer; ``None`` if it is not or cannot be determined."""
    try:
        found = newest()
    except Exception:  # a failed query is no reason to throw away the job's work
        return None
    return found if found > attempt else None


def _show(run: RunDir, newer: str) -> None:
    """Make the newer attempt visible to the job, which watches the folder of attempts."""
    with contextlib.suppress(OSError):
        run.attempt_folder(newer).mkdir(parents=True, exist_ok=True)


def _later_start(run: RunDir, attempt: str) -> str:
    """Return the start that owns the folder instead of this one; empty if this one does.

    A call that Modal restarts yields to any start that claimed the folder after it; a new call yields only
    to starts with a higher number, which were made when its own number was already known.
    """
    claims = [claimed for each in run.attempts() if (claimed := _claimed_for(run, each))]
    if attempt in claims:
        return "" if claims[-1] == attempt else claims[-1]
    number = attempt.split("-")[0]
    return max((each for each in claims if each.split("-")[0] > number), default="")


def _claimed_for(run: RunDir, attempt: str) -> str:
    """Return the call's attempt name for which an attempt was claimed; empty if an older version made it."""
    try:
        name = (run.attempt_folder(attempt) / CLAIMED_FOR).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return name if ATTEMPT.fullmatch(name) else ""
