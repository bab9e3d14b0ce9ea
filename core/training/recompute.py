"""Gradient checkpointing: keep only the inputs of a model's blocks, and compute the rest again for gradients.

Chen et al. (2016), "Training deep nets with sublinear memory cost". A block's activations are dropped after
the forward pass and made again, one block at a time, in the backward pass: less memory for about a third more
computation. The same random numbers are drawn again, and running statistics are not updated twice, so that
the weights are the same to the last bit.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


def recompute_blocks(model: nn.Module) -> int:
    """Let all blocks of a model compute their activations again, in training only.

    Blocks are the elements of the model's lists and sequences that consist of several modules; a sequence of
    plain layers is one block.

    Args:
        model: is changed; its weights keep their names.

    Returns:
        Number of blocks.
    """
    blocks = [*blocks_of(model)]
    for block in blocks:
        block.forward = _Recomputed(block, block.forward)
    return len(blocks)


def blocks_of(model: nn.Module) -> Iterator[nn.Module]:
    """Yield the outermost blocks of a model; no block is part of another."""
    for child in model.children():
        parts = [*child.children()]
        if not isinstance(child, nn.Sequential | nn.ModuleList):
            yield from blocks_of(child)
        elif any(_is_composite(part) for part in parts):
            yield from (part for part in parts if _is_composite(part))
        elif isinstance(child, nn.Sequential) and any(True for _ in child.parameters()):
            yield child


def _is_composite(module: nn.Module) -> bool:
    return any(True for _ in module.children())


class _Recomputed:
    """The forward pass of a block."""

    def __init__(self, block: nn.Module, forward: Any) -> None:
        self._block, self._forward = block, forward

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if not (self._block.training and torch.is_grad_enabled()):
            return self._forward(*arguments, **named)
        return checkpoint(
            self._forward, *arguments, use_reentrant=False, context_fn=self._contexts, **named
        )

    def _contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _unchanged(self._block)


@contextmanager
def _unchanged(block: nn.Module) -> Iterator[None]:
    """Put a block's running statistics back as they were: the first pass has already updated them."""
    before = [(buffer, buffer.clone()) for buffer in block.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)
