"""Doing what only one process may do at a time, and waiting for one's turn in a way that can be ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import DataError
from core.progress import Progress

LOOK_SECONDS = 1.0
"""Between two looks at whether the other process is done."""


@contextmanager
def alone(lock_file: Path, progress: Progress | None, waiting: str) -> Iterator[None]:
    """Hold a lock file, waiting for the process that holds it.

    Args:
        lock_file: made if need be, and left behind.
        progress: called with ``(0, 0, waiting)`` once a second; what it raises ends the wait, so that
            a job hears signals and limits meanwhile, and its heartbeat goes on.
        waiting: says for what.

    Raises:
        DataError: the folder of the lock cannot be written.
    """
    lock = FileLock(lock_file)
    seconds = 0.0
    while not _taken(lock, seconds):
        seconds = LOOK_SECONDS
        if progress is not None:
            progress(0, 0, waiting)
    try:
        yield
    finally:
        lock.release()


def _taken(lock: FileLock, seconds: float) -> bool:
    folder = Path(lock.lock_file).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=seconds)
    except Timeout:
        return False
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be written ({error.strerror or error});"
            " choose another place with MABE_HOME or MABE_CACHE"
        ) from error
    return True
