import threading

import pytest
import torch

from core.system.threads import each, finish
from tests.waiting import LONG

CPU = torch.device("cpu")


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_come_in_order(two_threads: None) -> None:
    assert list(each(lambda number: number**2, range(100), CPU)) == [n**2 for n in range(100)]


def test_pieces_are_worked_on_side_by_side(two_threads: None) -> None:
    meeting = threading.Barrier(2, timeout=LONG)

    finish(each(lambda _: meeting.wait() and None, range(2), CPU))


def test_torch_uses_one_thread_inside_and_as_many_as_before_outside(two_threads: None) -> None:
    inside = list(each(lambda _: torch.get_num_threads(), range(20), CPU))

    assert set(inside) == {1}
    assert torch.get_num_threads() == 2


def test_an_error_is_raised(two_threads: None) -> None:
    with pytest.raises(ZeroDivisionError):
        finish(each(lambda number: 1 // number and None, [1, 0], CPU))


def test_work_for_another_device_stays_in_the_callers_thread(two_threads: None) -> None:
    names = set(each(lambda _: threading.current_thread().name, range(4), torch.device("meta")))

    assert names == {threading.current_thread().name}
