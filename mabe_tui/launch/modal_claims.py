"""Which start of a run owns its folder on the volume, as its containers find out: the newest one.

A container works on its own view of the volume, so it cannot see in it that another start of the run has
begun meanwhile; it asks the volume itself. An attempt that is no longer the newest is not committed any
more, and its job, which finds the newer attempt's folder, ends without saving.
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
"""In an attempt's folder: the attempt that the launcher named for the call. A call that Modal starts again
takes further attempts; by this they are told from those of another call."""
CALL = "call"
"""In an attempt's folder: the id of the function call that took it, for computers that did not start it."""
LOOK_SECONDS = 30.0
"""Between two looks for a newer attempt, beside the one before each commit."""
LIST_SECONDS = 30.0
"""After so long without an answer, the volume could not be listed."""
LEAVE_SECONDS = 1.0


class OutdatedError(RunError):
    """A newer start of the run owns its folder."""


def claim(run: RunDir, attempt: str, call: str = "") -> str:
    """Take the attempt's name, or the next free one where it or a later one is there already.

    Two computers that have a copy of the run may start it with the same number. The claim that comes
    last wins.

    Args:
        run: its folder on the volume, as it was committed last.
        attempt: the name that the launcher gave to the call.
        call: the id of the call; empty: not known.

    Raises:
        OutdatedError: a call that was started later has an attempt here; nothing was claimed.
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
    """Commit, unless a newer attempt is on the volume, whose pointers would be written over.

    Args:
        newest: names the newest attempt on the volume.
        run: its folder in this container.
        attempt: of this container.
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
    """Look for a newer attempt every now and then while the context is open, and let the job see it."""
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
    """Name the newest attempt of a run that is committed on the volume; empty where there is none.

    Raises:
        TimeoutError: there was no answer.
        Exception: whatever the client raises.
    """
    entries = within(LIST_SECONDS, lambda: volume.listdir.aio(f"/{run_id}/attempts"))
    names = (PurePosixPath(entry.path).name for entry in entries)
    return max((name for name in names if ATTEMPT.fullmatch(name)), default="")


def _newer(newest: Callable[[], str], attempt: str) -> str | None:
    """Return the newest attempt where it is newer; ``None`` also where that cannot be found out."""
    try:
        found = newest()
    except Exception:  # not knowing is no reason to lose what the job has done
        return None
    return found if found > attempt else None


def _show(run: RunDir, newer: str) -> None:
    """Let the job, which looks at the folder of attempts, see the newer one."""
    with contextlib.suppress(OSError):
        run.attempt_folder(newer).mkdir(parents=True, exist_ok=True)


def _later_start(run: RunDir, attempt: str) -> str:
    """Return the start that owns the folder rather than this one; empty: this one does.

    A call that Modal starts again gives way to whoever claimed the folder after it; one that is here for
    the first time, only to what was started when its number was known already.
    """
    claims = [claimed for each in run.attempts() if (claimed := _claimed_for(run, each))]
    if attempt in claims:
        return "" if claims[-1] == attempt else claims[-1]
    number = attempt.split("-")[0]
    return max((each for each in claims if each.split("-")[0] > number), default="")


def _claimed_for(run: RunDir, attempt: str) -> str:
    """Return for which call an attempt was claimed; empty where an older version did not note it."""
    try:
        name = (run.attempt_folder(attempt) / CLAIMED_FOR).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return name if ATTEMPT.fullmatch(name) else ""
