"""One command at a time starts a run, and every other one can see that it is being started.

An image may take minutes to build, during which the run has neither an attempt nor a call.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from core.errors import RunError, UserError
from core.run.rundir import RunDir
from core.system.lock import try_lock

LOCK = ".launch.lock"
SECONDS = 1.0
"""How long to wait for a process that only looks whether the lock is held."""


@contextmanager
def launching(runs: Sequence[RunDir]) -> Iterator[None]:
    """Hold the runs while they are started.

    Raises:
        RunError: another command is starting one of them; nothing was started.
    """
    with ExitStack() as held:
        for run in runs:
            if not held.enter_context(try_lock(run.path / LOCK, SECONDS)):
                raise RunError(f"{run.id} is being started by another command; nothing was started")
        yield


def is_being_launched(run: RunDir) -> bool:
    """Return whether a command that is alive is starting the run."""
    lock = run.path / LOCK
    if not lock.exists():
        return False
    try:
        with try_lock(lock) as held:
            return not held
    except UserError:  # it cannot be opened here, so nobody starts the run from here
        return False
