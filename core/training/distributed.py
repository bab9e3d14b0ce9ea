"""Several processes that train one model: each computes a part of every batch, and one leads.

Process 0 is the run's own job. It alone decides, reports and saves; the others only follow its commands
(:mod:`core.training.follower`), so there is nothing to agree on: to stop, the leader simply sends no
further step. Gradients are summed explicitly, once per step. Torch's ``DistributedDataParallel`` would
average over the processes in each backward pass, hang if a process has no row of the last, small batch,
and rename every weight, while ours is the gradient of Σ total / Σ weight over all processes and
micro-batches, whose weight is known only at the end of the step. Its benefit, overlapping communication
with the backward pass, is small for models of a few million parameters.
"""

import datetime as dt
import enum
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
import torch.distributed as dist
from torch import Tensor, nn

from core.tasks.task import Batch

TIMEOUT_SECONDS = 24 * 3600
"""Followers wait while the leader validates. A dead process is detected by other means, immediately."""


class CommandKind(enum.IntEnum):
    """Commands of the leader to its followers."""

    EPOCH = 0
    STEP = 1
    GATHER = 2
    END = 3


@dataclass(frozen=True, slots=True)
class Command:
    """A command and its arguments; only ``EPOCH`` has any."""

    order: CommandKind
    epoch: int = 0
    skip: int = 0
    """Micro-batches of the epoch that are already done."""
    learning_rate: float = 0.0


class ProcessGroup:
    """The processes that train together. This base class is a single process, which shares nothing."""

    rank = 0
    size = 1

    def order(self, command: Command) -> None:
        """Send the followers their next command."""

    def sum(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over the processes."""

    def gather(self, own: Any) -> list[Any]:
        """Return the values of all processes in rank order; followers are commanded to send theirs."""
        return [own]

    def part(self, batch: Batch) -> Batch:
        """Return this process's part of a batch."""
        return batch


ALONE = ProcessGroup()


class SharedGroup(ProcessGroup):
    """One of several processes, connected through ``torch.distributed``.

    Orders go through gloo on the CPU, sums through whatever fits the tensors' device.
    """

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size

    @classmethod
    def join(cls, rank: int, size: int, meeting: Path) -> Self:
        """Connect to the others; all processes must call this.

        Args:
            rank: rank of this process.
            size: number of processes.
            meeting: a file that does not exist yet, through which they find each other; needed until the end.
        """
        # All are on one machine, whose own host name may not resolve in a container.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo0" if sys.platform == "darwin" else "lo")
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(
            backend,
            init_method=meeting.as_uri(),
            rank=rank,
            world_size=size,
            timeout=dt.timedelta(seconds=TIMEOUT_SECONDS),
        )
        return cls(rank, size)

    def align(self, model: nn.Module) -> None:
        """Broadcast the leader's weights and statistics; all processes must call this."""
        for tensor in model.state_dict().values():
            dist.broadcast(tensor, src=0)

    def order(self, command: Command) -> None:
        """Send the followers their next command."""
        dist.broadcast(_encoded(command), src=0)

    def receive(self) -> Command:
        """Wait for the leader's next command."""
        numbers = _encoded(Command(CommandKind.END))
        dist.broadcast(numbers, src=0)
        order, epoch, skip, learning_rate = numbers.tolist()
        return Command(CommandKind(int(order)), int(epoch), int(skip), learning_rate)

    def sum(self, tensors: Sequence[Tensor]) -> None:
        """Replace each float32 tensor by its sum over the processes, in one exchange."""
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def gather(self, own: Any) -> list[Any]:
        """Return the values of all processes; followers are commanded to send theirs."""
        self.order(Command(CommandKind.GATHER))
        return self.exchange(own)

    def exchange(self, own: Any) -> list[Any]:
        """Send this process's value; all processes must call this."""
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, own)
        return found

    def part(self, batch: Batch) -> Batch:
        """Return every ``size``-th row, starting with row ``rank``; empty if there are fewer."""
        return batch.take(slice(self.rank, None, self.size))


def _encoded(command: Command) -> Tensor:
    numbers = (command.order, command.epoch, command.skip, command.learning_rate)
    return torch.tensor(numbers, dtype=torch.float64)
