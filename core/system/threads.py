"""Spread small tensor work over threads, one thread per piece.

torch splits every operation over its threads, which then wait for one another dozens of times during a
few milliseconds of work. On a busy machine each of these waits can last until the scheduler's next turn
(40 times as slow beside three busy processes). Independent pieces lose only their share of the processor.
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
    """Return ``work(item)`` for every item, in order, as ``map`` does.

    On a CPU the items are shared among as many threads as torch has, and torch uses one thread inside
    each. On another device, where work is only queued, the caller's thread does it.
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
    """Limit torch to one thread inside the context; other threads already at work are not affected.

    Args:
        threads: the number to restore; ``None`` restores what this thread had.
    """
    before = threads or torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def finish(results: Iterator[None]) -> None:
    """Wait for work that returns nothing, and raise the exception it raised, if any."""
    for _ in results:
        pass


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Return a pool that is kept between calls, because its threads keep their intermediate buffers."""
    return ThreadPoolExecutor(threads, thread_name_prefix="features")
