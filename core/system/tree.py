"""Trees of tensors: what a model may take and return, and what a batch is cut from."""

from collections.abc import Callable, Iterator
from typing import TypeVar, Union

from torch import Tensor

Tree = Union[Tensor, "tuple[Tree, ...]", "dict[str, Tree]"]
"""A tensor, or tuples and tables of trees."""
Rows = slice | Tensor
"""Some rows along the first axis: a slice, or their numbers as an ``int64`` tensor."""
Of = TypeVar("Of", bound=Tree)


def tree_map(change: Callable[[Tensor], Tensor], tree: Of) -> Of:
    """Return a tree of the same shape with every tensor changed.

    Raises:
        TypeError: there is something in it that is no tensor, tuple or dict.
    """
    return _mapped(change, tree)  # type: ignore[return-value] # of the same shape


def _mapped(change: Callable[[Tensor], Tensor], tree: Tree) -> Tree:
    if isinstance(tree, Tensor):
        return change(tree)
    if isinstance(tree, tuple):
        return tuple(_mapped(change, part) for part in tree)
    if isinstance(tree, dict):
        return {name: _mapped(change, part) for name, part in tree.items()}
    raise TypeError(f"a tensor, a tuple or a dict is needed, not {type(tree).__name__}")


def tensors(tree: Tree) -> Iterator[Tensor]:
    """Yield the tensors of a tree in their order."""
    if isinstance(tree, Tensor):
        yield tree
        return
    for part in tree.values() if isinstance(tree, dict) else tree:
        yield from tensors(part)


def take(tree: Of, rows: Rows) -> Of:
    """Return some rows of every tensor."""
    return tree_map(lambda tensor: tensor[rows], tree)


def in_float32(tree: Of) -> Of:
    """Return a tree whose tensors of floating-point numbers are all float32."""
    return tree_map(lambda t: t.float() if t.is_floating_point() else t, tree)
