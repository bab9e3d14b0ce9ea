"""The real job, held by a gate: as ``python -m core.job``, but no further than ``FAKE_GATE`` lets it.

It imports ``core`` alone, so that it can stand in a container as well. See ``tests/gate.py``.
"""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from core import job
from core.run.request import RunRequest
from core.system.progress import Progress
from core.tasks.task import Batch, Task
from core.training.stopping import StopWatch

HELD_AT = 1
"""Batches of an epoch that are trained before it is held."""
watches: list[StopWatch] = []


class NotedWatch(StopWatch):
    """Is known here, so that who is held at the gate still hears signals."""

    def install(self) -> None:
        super().install()
        watches.append(self)


def build(request: RunRequest, cache: Path, device: torch.device, progress: Progress) -> Task:
    """Build the task that is asked for, with its training batches behind the gate."""
    from core.tasks.build import build_task

    task = build_task(request, cache, device, progress)
    ungated = task.train_batches

    def gated(epoch: int, skip: int = 0) -> Iterator[Batch]:
        for number, batch in enumerate(ungated(epoch, skip), skip):
            hold_at_gate(epoch, number)
            yield batch

    task.train_batches = gated  # type: ignore[method-assign]
    return task


def hold_at_gate(epoch: int, number: int) -> None:
    """Wait in an epoch that may not be completed, until it may or there is a reason to stop."""
    while number >= HELD_AT and epoch > epochs_to_complete() and watches[-1]() is None:
        time.sleep(0.01)


def epochs_to_complete() -> float:
    """Return how far the gate lets jobs go."""
    try:
        return int(Path(os.environ["FAKE_GATE"]).read_text())
    except FileNotFoundError:
        return float("inf")


if __name__ == "__main__":
    job.StopWatch = NotedWatch  # type: ignore[misc]
    sys.exit(job.main(build=build))
