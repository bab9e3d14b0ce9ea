"""A process that helps the leader train: it computes its part of each step and decides nothing."""

import sys
import traceback
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from core.run.request import RunRequest
from core.system.machine import make_deterministic, process_device
from core.system.processes import end_with_parent
from core.tasks.task import Batch, Task
from core.training.checkpoint_file import read_checkpoint
from core.training.compiling import compile_forward
from core.training.distributed import CommandKind, SharedGroup
from core.training.rng import rng_state, seed_everything
from core.training.state import TrainingState
from core.training.step import optimise
from core.training.warm_start import freeze


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a follower needs at its start; every field can be pickled."""

    rank: int
    size: int
    meeting: Path
    """See :meth:`~core.training.distributed.SharedGroup.join`."""
    device: str
    """Either ``cpu`` or ``cuda``."""
    threads: int
    request: RunRequest
    cache: Path
    build: Any
    """A :data:`~core.training.attempt.TaskBuilder`."""
    checkpoint: Path | None
    """State from which training continues."""


def main(assignment: Assignment, last_words: Connection) -> None:
    """Follow to the end; on an error, send the leader one line and write the rest to the log."""
    end_with_parent()
    try:
        _follow(assignment)
    except BaseException as error:
        traceback.print_exc()
        last_words.send(" ".join(f"{type(error).__name__}: {error}".split())[:300])
        sys.exit(1)


def _follow(assignment: Assignment) -> None:
    torch.set_num_threads(assignment.threads)
    device = process_device(torch.device(assignment.device), assignment.rank, assignment.size)
    group = SharedGroup.join(assignment.rank, assignment.size, assignment.meeting)
    make_deterministic(device)
    request = assignment.request
    seed_everything(request.seed)
    task = assignment.build(request, assignment.cache, device, lambda *_: None)
    model = task.build_model()
    freeze(model, request.experiment.training.frozen)
    state = TrainingState(request.experiment.training, model, device)
    seed_everything(_own_seed(request.seed, assignment.rank))
    if assignment.checkpoint is not None:
        state.load_state_dict(read_checkpoint(assignment.checkpoint), assignment.rank)
    group.align(state.model)
    if request.experiment.training.compile:
        compile_forward(state, task, group)
    _run_commands(group, state, task, request)
    dist.destroy_process_group()


def _own_seed(seed: int, rank: int) -> int:
    """Return a seed of its own for each process's dropout."""
    return int(np.random.SeedSequence((seed, rank)).generate_state(1)[0])


def _run_commands(
    group: SharedGroup, state: TrainingState, task: Task, request: RunRequest
) -> None:
    config = request.experiment.training
    batches = iter(list[Batch]())
    while (command := group.receive()).order is not CommandKind.END:
        match command.order:
            case CommandKind.EPOCH:
                state.set_learning_rate(command.learning_rate)
                state.train()
                batches = task.train_batches(command.epoch, command.skip)
            case CommandKind.STEP:
                micro_batches = islice(batches, config.accumulation_steps)
                optimise(state, task, micro_batches, config.gradient_clip, group)
            case CommandKind.GATHER:
                group.exchange(rng_state())
