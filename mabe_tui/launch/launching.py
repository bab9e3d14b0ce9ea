"""Lock runs while they are being started, so that only one command starts a run at a time.

The lock also lets other commands see that a run is being started: building an image may take minutes,
during which the run has neither an attempt nor a call.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from core.errors import RunError, UserError
from core.run.rundir import RunDir
from core.system.lock import try_lock

LOCK = ".launch.lock"
SECONDS = 1.0
"""How long to wait for a process that only probes the lock."""


@contextmanager
def launching(runs: Sequence[RunDir]) -> Iterator[None]:
    """Lock the runs while they are being started.

    Raises:
        RunError: another command is already starting one of them; nothing was started.
    """
    with ExitStack() as held:
        for run in runs:
            if not held.enter_context(try_lock(run.path / LOCK, SECONDS)):
                raise RunError(f"{run.id} is being started by another command; nothing was started")
        yield


def is_being_launched(run: RunDir) -> bool:
    """Return whether a live command is starting the run."""
    lock = run.path / LOCK
    if not lock.exists():
        return False
    try:
        with try_lock(lock) as held:
            return not held
    except UserError:  # the lock cannot be opened, so no process here is starting the run
        return False
