import pytest
import torch

from core.system.tree import in_float32, take, tensors, tree_map


def a_tree():
    return (
        torch.arange(4),
        {"left": torch.ones(4, 2, dtype=torch.float16), "right": (torch.zeros(4),)},
    )


def test_rows_are_taken_of_every_tensor():
    whole, table = take(a_tree(), slice(1, None, 2))
    assert whole.tolist() == [1, 3]
    assert [table["left"].shape, table["right"][0].shape] == [(2, 2), (2,)]
    repeated = take(torch.arange(4), torch.tensor([3, 3, 0]))
    assert repeated.tolist() == [3, 3, 0]


def test_tensors_come_in_their_order():
    assert [tuple(part.shape) for part in tensors(a_tree())] == [(4,), (4, 2), (4,)]


def test_only_floating_point_numbers_become_float32():
    whole, table = in_float32(a_tree())
    assert (whole.dtype, table["left"].dtype) == (torch.int64, torch.float32)


def test_what_is_no_tree_is_named():
    with pytest.raises(TypeError, match="not list"):
        tree_map(torch.clone, [torch.ones(1)])
