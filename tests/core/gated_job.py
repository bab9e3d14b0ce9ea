"""The real job held by a gate: like ``python -m core.job``, but only as far as ``FAKE_GATE`` allows.

It imports only ``core``, so that it also works in a container. See ``tests/gate.py``.
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
"""Batches of an epoch that are trained before the gate holds the job."""
watches: list[StopWatch] = []


class NotedWatch(StopWatch):
    """A watch recorded in ``watches``, so that a job held at the gate still responds to signals."""

    def install(self) -> None:
        super().install()
        watches.append(self)


def build(request: RunRequest, cache: Path, device: torch.device, progress: Progress) -> Task:
    """Build the requested task with its training batches behind the gate."""
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
    """Wait in a held epoch until it may be completed or there is a reason to stop."""
    while number >= HELD_AT and epoch > epochs_to_complete() and watches[-1]() is None:
        time.sleep(0.01)


def epochs_to_complete() -> float:
    """Return how many epochs the gate allows."""
    try:
        return int(Path(os.environ["FAKE_GATE"]).read_text())
    except FileNotFoundError:
        return float("inf")


if __name__ == "__main__":
    job.StopWatch = NotedWatch  # type: ignore[misc]
    sys.exit(job.main(build=build))
