"""The time of a v6 training step on this machine's GPU, and where it goes.

Run, from the root of the repository (nothing need be installed but torch, numpy, pyarrow, filelock, msgspec
and tomli-w): ``python -m tests.bench.bench_gpu [--json]``. A GPU takes some five minutes, of which most is
torch.compile; ``--compile off`` leaves that out. Without a GPU, or with ``--small``, sizes are small: that
only tries the command out.

The data are 863 videos × 18,000 frames of made-up positions, four mice × 18 keypoints: 9 GB, held by the
device and gathered there; `--videos` and `--frames` make them fewer. ``step`` is what the trainer does: a
batch of the task, forward, loss, backward, clipping, the optimiser. ``model`` is the same on one batch that
is there already, without clipping and without ever waiting for the device; ``batch`` is the making of
batches alone. Medians over rounds. The epochs follow from ``step`` for all 863 videos in training (with a
fifth of them held out, four fifths), whatever size was measured; ``--whole`` goes through one to see.

Beside it: the documents' 50 ms a batch and 50 s an epoch on an H100; the floor of its arithmetic; and what
the recurrence of conv_bilstm made us expect. The profile is of the first line of the table.
"""

import argparse
import itertools
import statistics
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from unittest import mock

import msgspec
import torch

from core.data.prepared import PreparedData
from core.frames import reader
from core.frames.batch import FrameBatch
from core.models.build import build_model
from core.system.machine import choose_device, device_name, make_deterministic
from core.tasks.behaviour.settings import BehaviourExperiment
from core.tasks.behaviour.task import BehaviourTask
from core.training.compiling import compile_forward
from core.training.distributed import ALONE
from core.training.rng import seed_everything
from core.training.state import TrainingState
from core.training.step import optimise
from tests.bench.gpu_report import FRAMES, VIDEOS, Measured, Report, Setup, epochs, table
from tests.bench.made_up import wandering_mice
from tests.bench.profile_step import Profile, profiled

SEED, WARM_UP = 1, 3
FULL = {"videos": VIDEOS, "frames": FRAMES, "batch": [384], "workers": [2, 0], "steps": 60}
SMALL = {"videos": 2, "frames": 300, "batch": [4], "workers": [2], "steps": 2}


class Sides:
    """One set-up, ready to make steps."""

    def __init__(self, setup: Setup, task: BehaviourTask, device: torch.device) -> None:
        self.setup, self.task, self.device = setup, task, device
        experiment = setup.experiment
        seed_everything(SEED)
        model = build_model(experiment.model, task.input_spec)
        self.state = TrainingState(experiment.training, model, device)
        self.state.model.train()
        self.clip = experiment.training.gradient_clip
        self.problem = compile_forward(self.state, task, ALONE) if setup.compiled else None

    def step(self, batches: Iterator[FrameBatch]) -> None:
        """Do what the trainer does."""
        optimise(self.state, self.task, itertools.islice(batches, 1), self.clip)

    def model(self, batch: FrameBatch) -> None:
        """Do the model's own part alone; nothing in it waits for the device."""
        self.state.optimizer.zero_grad(set_to_none=True)
        with self.state.precision.autocast():
            loss = self.task.loss(self.state.forward(batch.inputs), batch)
        torch.autograd.backward(loss.total / loss.weight)
        self.state.optimizer.step()

    def epoch(self) -> float:
        """Train on every window once, and give the seconds it took."""
        began = time.perf_counter()
        batches = self.task.train_batches(2)
        for _ in range(self.task.steps_per_epoch()):
            self.step(batches)
        wait(self.device)
        return time.perf_counter() - began


def endless(task: BehaviourTask) -> Generator[FrameBatch, None, None]:
    """Return the batches of one epoch after the other."""
    for epoch in itertools.count(1):
        yield from task.train_batches(epoch)


def copied(batch: FrameBatch) -> FrameBatch:
    """Copy a batch out of the memory that batches share."""
    return replace(batch, inputs=batch.inputs.clone())


def wait(device: torch.device) -> None:
    """Wait until the device has done all it was told to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def milliseconds(work: Callable[[], object], times: int, device: torch.device) -> float:
    """Return what one call takes, everything that the device does for it included."""
    wait(device)
    began = time.perf_counter()
    for _ in range(times):
        work()
    wait(device)
    return (time.perf_counter() - began) * 1000 / max(times, 1)


def measure(
    sides: Sides, options: argparse.Namespace, profiling: bool
) -> tuple[Measured, Profile | None]:
    """Measure one set-up, its three parts in turn."""
    setup, device = sides.setup, sides.device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    profile = None
    with closing(endless(sides.task)) as batches:
        fixed = copied(next(batches))
        step = partial(sides.step, batches)
        ways = {"step": step, "model": partial(sides.model, fixed), "batch": partial(next, batches)}
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for way in ways.values():
            milliseconds(way, min(WARM_UP, options.steps), device)
        for _ in range(options.rounds):
            for name, way in ways.items():
                if name == "batch":  # else those made ahead would be counted as made in no time
                    milliseconds(way, setup.workers, device)
                taken[name].append(milliseconds(way, options.steps, device))
        if profiling:
            profile = profiled(step, min(options.steps, 20), device, str(setup))
    median = {name: statistics.median(found) for name, found in taken.items()}
    measured = Measured(
        setup=setup,
        problem=sides.problem,
        **median,
        epochs=epochs(median["step"], setup.batch),
        whole_epoch=sides.epoch() if options.whole else None,
        gibibytes=torch.cuda.max_memory_allocated(device) / 2**30
        if device.type == "cuda"
        else None,
    )
    return measured, profile


def setups(options: argparse.Namespace, batch: int, workers: int) -> list[Setup]:
    """List what is to be measured on one task; compiled only with the first number of workers."""
    compiled = [way == "on" for way in options.compile]
    return [
        Setup(model=model, precision=precision, compiled=on, batch=batch, workers=workers)
        for model in options.models
        for precision in options.precision
        for on in compiled
        if not on or workers == options.workers[0]
    ]


def measure_all(
    options: argparse.Namespace, device: torch.device
) -> tuple[list[Measured], Profile | None]:
    """Measure everything that is asked for, one task for each size of batches and number of workers."""
    found: list[Measured] = []
    profile = None
    say(f"making {options.videos} videos × {options.frames} frames")
    data = wandering_mice(options.videos + 1, options.frames)
    for batch, workers in itertools.product(options.batch, options.workers):
        wanted = setups(options, batch, workers)
        task = new_task(wanted[0].experiment, data, device)
        for setup in wanted:
            say(f"{setup} …")
            measured, new = measure(Sides(setup, task, device), options, profiling=not found)
            found.append(measured)
            profile = profile or new
        del task  # the next one's positions are to find the memory that this one's took
    return found, profile


def new_task(
    experiment: BehaviourExperiment, data: PreparedData, device: torch.device
) -> BehaviourTask:
    """Build the task on all videos but the last, which it would validate on."""
    config = msgspec.structs.replace(experiment.data, validation_videos=(data.videos[-1].video_id,))
    began = time.perf_counter()
    # At full size the features do not fit into their cache; so that a smaller one tells the same:
    with mock.patch.object(reader, "CACHE_BYTES", 0):
        task = BehaviourTask(msgspec.structs.replace(experiment, data=config), data, device, SEED)
    wait(device)
    held = torch.cuda.memory_allocated(device) / 2**30 if device.type == "cuda" else 0
    say(
        f"positions {data.positions.nbytes / 2**30:.2f} GiB; task built in"
        f" {time.perf_counter() - began:.1f} s (copied, features fitted), {held:.2f} GiB on the device"
    )
    return task


def say(line: str) -> None:
    """Tell how far it is; stdout is for the result."""
    print(line, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print a table or JSON."""
    options = _parser().parse_args(arguments)
    device = choose_device(options.device)
    on_gpu = device.type == "cuda"
    small = options.small or not on_gpu
    for name, value in (SMALL if small else FULL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    options.precision = options.precision or (["bf16", "fp32"] if on_gpu else ["fp32"])
    options.compile = options.compile or (["off", "on"] if on_gpu else ["off"])
    make_deterministic(device)
    if options.tuned:
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    measured, profile = measure_all(options, device)
    report = Report(
        device=device_name(device),
        torch=str(torch.__version__),
        cuda=torch.version.cuda,
        cudnn=torch.backends.cudnn.version() if on_gpu else None,
        frames=options.videos * options.frames,
        measured=measured,
        profile=profile,
    )
    print(msgspec.json.encode(report).decode() if options.json else table(report))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=["conv_bilstm", "tcn"])
    parser.add_argument("--precision", nargs="+", choices=["bf16", "fp16", "fp32"])
    parser.add_argument("--compile", nargs="+", choices=["off", "on"])
    parser.add_argument("--batch", nargs="+", type=int)
    parser.add_argument("--workers", nargs="+", type=int, help="batches made ahead; v6 has 2")
    parser.add_argument("--videos", type=int, help="to train on; one more is validated on")
    parser.add_argument("--frames", type=int, help="of each video")
    parser.add_argument("--steps", type=int, help="in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--whole",
        action="store_true",
        help="also go through a whole epoch; it compiles its last batch",
    )
    parser.add_argument("--tuned", action="store_true", help="cudnn.benchmark and TF32 on")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--small", action="store_true", help="see that it works; so without a GPU")
    parser.add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    main()
