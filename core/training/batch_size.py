"""Find the largest batch that fits in memory, by training steps of the real model on repeated real rows."""

import gc
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import torch

from core.config.experiment import Experiment
from core.config.task_spec import task_spec
from core.run.request import RunRequest
from core.system.machine import choose_device
from core.system.progress import Progress
from core.system.tree import tensors, tree_map
from core.tasks.build import build_task
from core.tasks.task import Batch, Task
from core.training.probe_report import Reading as Reading
from core.training.rng import seed_everything
from core.training.state import TrainingState
from core.training.step import optimise
from core.training.warm_start import freeze

GRANULE = 8
"""Batch sizes are multiples of this; other sizes leave part of a GPU's matrix units idle."""
STEPS = 2
"""Optimiser state exists from the end of the first step on, so the second step has the peak."""
HEADROOM = 0.05
"""Share of a GPU's memory that is left free, for fragmentation and other processes."""
OUT_OF_MEMORY = ("out of memory", "ALLOC_FAILED", "can't allocate memory")
"""Messages of torch, cuDNN and the CPU allocator that do not come as OutOfMemoryError."""
GIB = 2**30


def largest_batch(fits: Callable[[int], bool], most: int) -> int:
    """Find the largest multiple of 8 that fits, by doubling and then bisecting.

    Args:
        fits: returns whether a size fits; anything larger than a size that does not is assumed not to.
        most: upper limit of the search.

    Returns:
        0 if not even 8 fits, or ``most`` is below 8.
    """
    low, high, top = 0, 1, most // GRANULE
    while high <= top and fits(high * GRANULE):
        low, high = high, 2 * high
    high = min(high, top + 1)  # the first that does not fit, or exceeds the limit
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle * GRANULE) else (low, middle)
    return low * GRANULE


def accumulation(effective: int, largest: int) -> tuple[int, int]:
    """Split an effective batch into steps that fit: 384, if 80 fits, becomes 6 × 64.

    Args:
        effective: samples in an update.
        largest: samples that fit at once, at least 1.

    Returns:
        Batch size, the largest divisor of ``effective`` that fits, and accumulation steps.
    """
    divisors = (size for size in range(1, effective + 1) if effective % size == 0)
    batch = max(size for size in divisors if size <= largest)
    return batch, effective // batch


def small_request(request: RunRequest) -> RunRequest:
    """Return the same request with a small batch and, if it names no data, little synthetic data.

    The model, its inputs and its loss depend on neither.
    """
    experiment = request.experiment
    if request.data is None:
        experiment = task_spec(experiment.task).with_little_data(experiment)
    training = msgspec.structs.replace(experiment.training, batch_size=GRANULE)
    hardware = msgspec.structs.replace(experiment.hardware, loader_workers=0)
    small = msgspec.structs.replace(experiment, training=training, hardware=hardware)
    return msgspec.structs.replace(request, experiment=small)


def measure(
    task: Task, experiment: Experiment, device: torch.device, size: int, steps: int = STEPS
) -> float:
    """Run training steps with a batch of this size; return the median seconds of all but the first.

    Raises:
        RuntimeError: among others, if there is not enough memory.
    """
    seed_everything(experiment.training.seed)
    model = task.build_model()
    freeze(model, experiment.training.frozen)
    state = TrainingState(experiment.training, model, device)
    state.train()
    batch = enlarged(next(iter(task.train_batches(1))), size)
    waiting = range(experiment.hardware.loader_workers)
    ahead = [tree_map(torch.zeros_like, batch.inputs) for _ in waiting]
    seconds = []
    for _ in range(steps):
        began = time.perf_counter()
        optimise(state, task, [batch], experiment.training.gradient_clip)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - began)
    del ahead  # batches that wait for their turn, which had to occupy memory until here
    return statistics.median(seconds[1:])


def enlarged(batch: Batch, size: int) -> Batch:
    """Return a batch of another size, made of the repeated rows of a real one."""
    device = next(tensors(batch.inputs)).device
    return batch.take(torch.arange(size, device=device) % batch.size)


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an exception means that there was not enough memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in OUT_OF_MEMORY)


class CudaProbe:
    """Tries batch sizes in this process, with the data where training keeps them.

    Args:
        request: what would be trained.
        cache: folder of prepared data.
        progress: progress callback while data are prepared.
        memory: bytes that may be used; ``None`` means the device's memory less :data:`HEADROOM`.
        reserved: bytes of the data that training will keep there, if they fit twice.
    """

    def __init__(
        self,
        request: RunRequest,
        cache: Path,
        progress: Progress,
        memory: int | None = None,
        reserved: int = 0,
    ) -> None:
        self._experiment = request.experiment
        self._device = choose_device("cuda")
        total = torch.cuda.get_device_properties(self._device).total_memory
        self.reserved = reserved if 2 * reserved <= total else 0
        self.memory = min(memory or total, int(total * (1 - HEADROOM))) - self.reserved
        torch.cuda.set_per_process_memory_fraction(self.memory / total)
        self._task = build_task(small_request(request), cache, self._device, progress)

    def __call__(self, size: int, steps: int = STEPS) -> Reading:
        """Try one size."""
        torch.cuda.reset_peak_memory_stats()
        seconds, problem = self._try(size, steps)
        peak = torch.cuda.max_memory_allocated()
        gc.collect()  # only now does no traceback hold the tensors
        torch.cuda.empty_cache()
        return Reading(
            size=size, fits=seconds is not None, peak_bytes=peak, seconds=seconds, problem=problem
        )

    def _try(self, size: int, steps: int) -> tuple[float | None, str | None]:
        try:
            return measure(self._task, self._experiment, self._device, size, steps), None
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return None, "out of memory"
