"""Inter-process locks, for files that several processes rewrite and for work that only one may do.

A lock file is never removed: removing it would let two processes hold the lock at once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import DataError, UserError
from core.system.progress import Progress

REWRITE_SECONDS = 30.0
"""Time-out of a writer that waits for other writers, each of which takes milliseconds."""
LOOK_SECONDS = 1.0
"""Polling interval while another process holds the lock."""


class LockedError(UserError):
    """Another process holds the lock and did not release it in time."""


@contextmanager
def locked(
    path: Path, seconds: float | None = None, tell: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the inter-process lock of a file while it is rewritten.

    Read the file inside the context, not before: another process may have just changed it. The lock is
    ``.NAME.lock`` beside the file; the folder is created if it does not exist.

    Args:
        path: the file; it need not exist.
        seconds: how long to wait for other writers; :data:`REWRITE_SECONDS` by default.
        tell: called once with a sentence if there is something to wait for.

    Raises:
        LockedError: another process still holds the lock.
        UserError: the folder cannot be written to.
    """
    limit = REWRITE_SECONDS if seconds is None else seconds
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        held = _acquire(lock, min(LOOK_SECONDS, limit))
        if not held and limit > LOOK_SECONDS:
            if tell is not None:
                tell(f"{path}: waiting for another process that is changing it")
            held = _acquire(lock, limit - LOOK_SECONDS)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror or error}); check its folder's permissions"
        ) from error
    if not held:
        raise LockedError(
            f"{path}: another process has been changing it for {limit:.0f} s; nothing was written, try again"
        )
    try:
        yield
    finally:
        lock.release()


@contextmanager
def try_lock(lock_file: Path, seconds: float = 0.0) -> Iterator[bool]:
    """Try to hold a lock file for the length of the context; yield whether it is held.

    Args:
        lock_file: created, together with its folder, if it does not exist.
        seconds: how long to wait for the lock.

    Raises:
        UserError: the lock file cannot be written.
    """
    lock = FileLock(lock_file)
    try:
        held = _acquire(lock, seconds)
    except OSError as error:
        raise UserError(f"{lock_file}: cannot be written ({error.strerror or error})") from error
    try:
        yield held
    finally:
        if held:
            lock.release()


@contextmanager
def in_turn(lock_file: Path, progress: Progress | None, waiting: str) -> Iterator[None]:
    """Hold a lock file, waiting without limit for the process that holds it.

    Args:
        lock_file: created, together with its folder, if it does not exist.
        progress: called with ``(0, 0, waiting)`` once a second. An exception from it ends the wait, so a
            waiting job still reacts to signals and limits, and keeps its heartbeat.
        waiting: what is being waited for, in words.

    Raises:
        DataError: the folder of the lock cannot be written to.
    """
    lock = FileLock(lock_file)
    seconds = 0.0
    while not _acquire_in_cache(lock, seconds):
        seconds = LOOK_SECONDS
        if progress is not None:
            progress(0, 0, waiting)
    try:
        yield
    finally:
        lock.release()


def _acquire_in_cache(lock: FileLock, seconds: float) -> bool:
    try:
        return _acquire(lock, seconds)
    except OSError as error:
        raise DataError(
            f"{Path(lock.lock_file).parent}: cannot be written ({error.strerror or error});"
            " choose another place with MABE_HOME or MABE_CACHE"
        ) from error


def _acquire(lock: FileLock, seconds: float) -> bool:
    try:
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=seconds)
    except Timeout:
        return False
    return True
