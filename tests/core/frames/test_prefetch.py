import threading

import pytest

from core.frames.prefetch import ahead
from tests.waiting import LONG


@pytest.mark.parametrize("depth", [0, 1, 2, 10])
def test_items_come_in_order(depth: int) -> None:
    assert list(ahead(lambda number: number**2, range(7), depth)) == [n**2 for n in range(7)]


def test_items_are_made_before_they_are_asked_for() -> None:
    made = [threading.Event() for _ in range(5)]
    items = ahead(lambda number: made[number].set(), range(5), depth=2)

    next(items)

    assert made[1].wait(LONG)
    assert made[2].wait(LONG)
    assert not made[3].is_set()
    items.close()


def test_an_error_is_raised_in_its_place() -> None:
    items = ahead(lambda number: 1 // (2 - number), range(5), depth=3)

    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(items)


def test_leaving_early_ends_the_thread() -> None:
    before = set(threading.enumerate())
    items = ahead(lambda number: number, range(1000), depth=2)
    next(items)

    items.close()

    assert not [t for t in set(threading.enumerate()) - before if t.name.startswith("batches")]


def test_one_slot_more_than_the_depth_is_enough_memory() -> None:
    """Item n may reuse the memory of item n − depth − 1, as the behaviour task does."""
    depth = 2
    slots = [-1] * (depth + 1)

    def make(number: int) -> int:
        slots[number % len(slots)] = number
        return number

    for item in ahead(make, range(200), depth):
        assert slots[item % len(slots)] == item
