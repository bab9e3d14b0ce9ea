"""Work on videos in several processes, which end with their parent and leave Ctrl-C to it."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TypeVar

from core.errors import DataError

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_workers(
    function: Callable[[Job], Result], jobs: Iterable[Job], workers: int
) -> Iterator[Result]:
    """Do jobs in processes; with one worker, here.

    Args:
        function: at the top of a module, as its name is what a worker is sent.
        jobs: what it is called with.
        workers: processes.

    Yields:
        Results, in the order in which they are done. Who stops asking waits for the jobs under way.

    Raises:
        DataError: a worker was killed.
    """
    if workers <= 1:
        yield from map(function, jobs)
        return
    # a forked child could inherit a lock that one of pyarrow's threads holds
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=end_with_parent) as pool:
        try:
            for future in as_completed(_submitted(pool, function, jobs)):
                yield future.result()
        except BrokenProcessPool as error:
            raise DataError(
                "a worker was killed, most likely for want of memory;"
                " run again with fewer workers: finished videos are kept"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def end_with_parent() -> None:
    """Let a worker end when its parent is killed: by itself it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def wait() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=wait, daemon=True).start()


def _submitted(
    pool: ProcessPoolExecutor, function: Callable[[Job], Result], jobs: Iterable[Job]
) -> list[Future[Result]]:
    """Submit all jobs, which starts the workers."""
    with _deaf_to_interrupts():
        return [pool.submit(function, job) for job in jobs]


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach, from their first moment on; here it waits."""
    # A blocked signal stays blocked in the process that is started. Python's resource tracker, which
    # starts with the first such process, would unblock it again: it is started before.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
