"""Train through ``torch.compile``, tested before the first step."""

import torch

from core.system.tree import tensors
from core.tasks.task import Task
from core.training.distributed import ProcessGroup
from core.training.rng import restore_rng, rng_state
from core.training.state import TrainingState


def compile_forward(state: TrainingState, task: Task, group: ProcessGroup) -> str | None:
    """Compile training with ``torch.compile`` from now on; validation is not compiled.

    One forward and backward pass over a batch tests whether it works; weights, statistics and random
    generators are restored afterwards. Each shape is compiled separately (``dynamic=False``: the full batch,
    and the last one of an epoch), so that a resumed run uses the same kernels as an uninterrupted one.

    Returns:
        On failure one line with the reason; training then continues uncompiled.
    """
    compiled = torch.compile(state.model, dynamic=False)
    batch = group.part(next(iter(task.train_batches(state.progress.epoch + 1))))
    generators = rng_state()
    buffers = [(buffer, buffer.clone()) for buffer in state.model.buffers()]
    state.train()
    try:
        with state.precision.autocast():
            output = compiled(batch.inputs)
        total = torch.stack([part.float().sum() for part in tensors(output)]).sum()
        torch.autograd.backward(total)
    except Exception as error:  # whatever a compiler raises, the model also runs without it
        return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
    finally:
        state.optimizer.zero_grad(set_to_none=True)
        for buffer, value in buffers:
            buffer.copy_(value)
        restore_rng(generators)
    state.forward = compiled
    return None
