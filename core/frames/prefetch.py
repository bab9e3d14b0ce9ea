"""Making things in a background thread, ahead of their use."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def ahead(make: Callable[[int], Item], numbers: Iterable[int], depth: int) -> Iterator[Item]:
    """Yield ``make(n)`` for each number in turn, up to ``depth`` of them made before they are asked for.

    At any time at most ``depth + 1`` items exist: those made ahead, and the one last given. One thread
    makes them, in order, so they are what ``map`` would give.

    Args:
        make: what to call; its exceptions are raised where the item would have been given.
        numbers: what to call it with.
        depth: 0 makes each item when it is asked for, in the caller's thread.
    """
    if depth == 0:
        yield from map(make, numbers)
        return
    rest = iter(numbers)
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches")
    try:
        pending = deque(pool.submit(make, number) for number in islice(rest, depth))
        for number in rest:
            pending.append(pool.submit(make, number))
            yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
