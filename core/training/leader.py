"""Start, watch and end the follower processes of a run."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context
from multiprocessing.context import SpawnProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from core.config.experiment import Experiment
from core.config.gpus import choices_of, split_gpu
from core.errors import ConfigError, RunError
from core.system.processes import deaf_to
from core.training import follower
from core.training.distributed import ALONE, Command, CommandKind, ProcessGroup, SharedGroup
from core.training.follower import Assignment
from core.training.stopping import SIGNALS

GRACE_SECONDS = 10.0
"""How long the leader may take to notice a follower's death by itself, or a follower to exit."""
NOTICE_SECONDS = 2.0
"""Time between a failed exchange and the exit of the follower that caused it."""


def process_count(experiment: Experiment, device: torch.device) -> int:
    """Return how many processes share each batch.

    Set by ``training.processes``; by default there is one for each GPU that ``hardware.gpu`` requests
    (``H100:2``), as far as this machine has them, and a single one on the CPU.

    Raises:
        ConfigError: more processes than this machine has GPUs.
    """
    asked, gpus = experiment.training.processes, choices_of(experiment.hardware.gpu)
    if device.type != "cuda":
        return asked or 1
    available = torch.cuda.device_count()
    if asked is None:
        return min(split_gpu(gpus[0])[1] if gpus else 1, available)
    if asked > available:
        raise ConfigError(
            f"training.processes: {asked}, but this machine has {available} GPUs;"
            f" use --set training.processes={available}"
        )
    return asked


@contextmanager
def lead(
    assignment: Callable[[int, Path], Assignment],
    size: int,
    model: nn.Module,
    give_up: Callable[[str], None],
) -> Iterator[ProcessGroup]:
    """Start the followers and yield the group; a single process needs no followers and shares nothing.

    Args:
        assignment: builds a follower's assignment from its rank and the meeting file.
        size: number of processes, including this one.
        model: the model whose weights all processes start with.
        give_up: called with one line that says why the run failed, if this process hangs in an exchange
            with a dead follower; the process exits right afterwards.

    Raises:
        RunError: a follower died.
    """
    if size == 1:
        yield ALONE
        return
    with TemporaryDirectory(prefix="mabe-") as folder:
        meeting = Path(folder) / "meeting"
        followers = [_start(assignment(rank, meeting)) for rank in range(1, size)]
        with _watched(followers, give_up):
            group = SharedGroup.join(0, size, meeting)
            group.align(model)
            yield group
            group.order(Command(CommandKind.END))
            dist.destroy_process_group()


@contextmanager
def _watched(followers: list["_Follower"], give_up: Callable[[str], None]) -> Iterator[None]:
    """Report the death of any follower, and leave none alive.

    Raises:
        RunError: a follower died.
    """
    watch = _Watch(followers, give_up)
    try:
        yield
        watch.done()
        for each in followers:
            each.process.join(GRACE_SECONDS)
    except RuntimeError as error:
        if line := watch.death(NOTICE_SECONDS):
            raise RunError(line) from error
        raise
    finally:
        watch.done()
        for each in followers:
            each.process.kill()


@dataclass(frozen=True, slots=True)
class _Follower:
    assignment: Assignment
    process: SpawnProcess
    last_words: Any
    """Read end of a pipe."""

    def cause_of_death(self) -> str:
        """Return in one line how it died."""
        who = f"process {self.assignment.rank + 1} of {self.assignment.size}"
        code = self.process.exitcode
        with suppress(EOFError):  # it had no time to send any
            if self.last_words.poll():
                return f"{who} failed: {self.last_words.recv()}"
        if code is not None and code < 0:
            return (
                f"{who} was killed ({signal.Signals(-code).name}), perhaps because memory ran out;"
                " resume the run to go on from its last checkpoint"
            )
        return f"{who} ended with exit code {code}; its last lines in the log say why"


def _start(assignment: Assignment) -> _Follower:
    """Start a follower that ignores the signals that stop a run: it ends on the leader's command."""
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=follower.main, args=(assignment, theirs), daemon=True)
    with deaf_to(SIGNALS):
        process.start()
    theirs.close()
    return _Follower(assignment, process, ours)


class _Watch:
    """Detects, in a thread of its own, that a follower died before it was commanded to end."""

    def __init__(self, followers: list[_Follower], give_up: Callable[[str], None]) -> None:
        self._followers = followers
        self._give_up = give_up
        self._done = threading.Event()
        self._dead = threading.Event()
        self._cause_of_death = ""
        threading.Thread(target=self._watch, daemon=True).start()

    def done(self) -> None:
        """Stop watching: followers may end from now on, or a death is already known."""
        self._done.set()

    def death(self, timeout: float) -> str | None:
        """Return who died first, waiting up to ``timeout`` seconds; ``None`` if all are alive."""
        return self._cause_of_death if self._dead.wait(timeout) else None

    def _watch(self) -> None:
        ended = connection.wait([each.process.sentinel for each in self._followers])
        # The first to end is the cause: the others only lost their connection to it.
        first = next(each for each in self._followers if each.process.sentinel in ended)
        first.process.join()
        self._cause_of_death = first.cause_of_death()
        self._dead.set()
        # If the current exchange fails by itself, the run ends in an orderly way.
        if not self._done.wait(GRACE_SECONDS):
            self._give_up(self._cause_of_death)
            os._exit(1)
