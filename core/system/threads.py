"""Spreading small tensor work over threads, one thread to each piece.

torch's own way is to split every operation over its threads, which then wait for one another dozens of
times for a few milliseconds of work; on a machine that has other things to do, each of these waits can
last until the scheduler's next turn (here, 40 times as slow with three other busy processes). Pieces
that need not wait for one another lose only their share of the processor.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(
    work: Callable[[Item], Result], items: Iterable[Item], device: torch.device
) -> Iterator[Result]:
    """Give ``work(item)`` for every item, in order, as ``map`` would.

    On a CPU as many threads share the items as torch has, inside each of which torch uses one. On
    another device, where the work is only ordered and not done, the caller's thread does it.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1:
        return map(work, items)

    def alone(item: Item) -> Result:
        with one_thread(threads):
            return work(item)

    return _pool(threads).map(alone, items)


@contextmanager
def one_thread(threads: int | None = None) -> Iterator[None]:
    """Let torch use one thread in this one; other threads that are already at work are not affected.

    Args:
        threads: what to go back to; none is what this thread has.
    """
    before = threads or torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def finish(results: Iterator[None]) -> None:
    """Wait for work that gives nothing, and raise what it raised."""
    for _ in results:
        pass


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Give threads that are kept, since what they hold for intermediate results is kept with them."""
    return ThreadPoolExecutor(threads, thread_name_prefix="features")
