"""The pairs task, held at a gate in the middle of an epoch (see tests/gate.py)."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from tests.core.fake_job import hold_at_gate
from tests.toy import pairs, task

SPEC = dataclasses.replace(pairs.SPEC, build="tests.toy.gated:build")


class GatedTask(task.PairsTask):
    """Waits before each batch that the gate does not allow yet."""

    def train_batches(self, epoch: int, skip: int = 0) -> Iterator[task.PairBatch]:
        for number, batch in enumerate(super().train_batches(epoch, skip), start=skip):
            hold_at_gate(epoch, number)
            yield batch


def build(request: Any, _cache: Any, device: Any, _progress: Any) -> GatedTask:
    """Build the requested task."""
    return GatedTask(request.experiment, device, request.seed)
