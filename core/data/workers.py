"""Process videos in several processes, which end with their parent and leave Ctrl-C to it."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from core.errors import DataError
from core.system.processes import deaf_to, end_with_parent, without_main

Job = TypeVar("Job")
Result = TypeVar("Result")


def processors() -> int:
    """Return the number of processors of this machine."""
    return os.cpu_count() or 1


def worker_count(asked: int | None, jobs: int) -> int:
    """Return the number of processes for ``jobs`` jobs: as many as requested, else one per processor."""
    return min(asked or processors(), jobs)


def in_workers(
    function: Callable[[Job], Result], jobs: Iterable[Job], workers: int
) -> Iterator[Result]:
    """Run jobs in processes; with one worker, in this one.

    Args:
        function: must be importable at the top level of a module, as workers receive its name.
        jobs: its arguments.
        workers: number of processes.

    Yields:
        Results, in the order in which they finish. Closing the iterator early waits for the running jobs.

    Raises:
        DataError: a worker was killed.
    """
    if workers <= 1:
        yield from map(function, jobs)
        return
    # a forked child could inherit a lock held by one of pyarrow's threads
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


def _submitted(
    pool: ProcessPoolExecutor, function: Callable[[Job], Result], jobs: Iterable[Job]
) -> list[Future[Result]]:
    """Submit all jobs, which starts the workers."""
    with deaf_to([signal.SIGINT]), without_main():
        return [pool.submit(function, job) for job in jobs]
