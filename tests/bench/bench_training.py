"""An epoch of v6 on a CPU at batch 64, compared with a plain loop after the old documents.

Both sides train the same torch model on the same positions, four mice × 18 keypoints, in windows of 100
frames at a stride of 25, with the same noise and jitter. Ours is the task's batches through the trainer's
step. The reference is what the documents describe: windows cut and copied beforehand, gaps filled with
zeros, a Dataset whose ``__getitem__`` adds the noise and makes the 288 features of one window, a DataLoader
with as many workers as v6 has, `loss.item()` every step. Cutting its windows is not counted.

``arithmetic`` is our epoch again with nothing left but the model: the same batches, made beforehand, through
forward, loss, backward and the optimiser's step. Its share of our epoch says what all the rest costs.

The sides take turns; medians over the rounds are compared, of the clock on the wall and of the CPU seconds of
the process and its workers, which other work on the machine disturbs less.

Run: ``python -m tests.bench.bench_training [--threads 2] [--rounds 3] [--steps 12] [--computed]``
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import NamedTuple
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from core.config.registry import default_path, load
from core.data.prepared import PreparedData
from core.frames import reader
from core.frames.batch import FrameBatch
from core.models.build import build_model
from core.system.machine import device_name, make_deterministic
from core.tasks.behaviour.labelled_frames import LabelledFrames
from core.tasks.behaviour.settings import BehaviourExperiment
from core.tasks.behaviour.task import BehaviourTask
from core.training.state import TrainingState
from core.training.step import optimise
from tests.bench.made_up import FPS, wandering_mice

LEAST_SHARE = 0.9
"""Of our epoch that is to be the model's own arithmetic, for ``conv_bilstm``."""
BATCH, TRAIN_VIDEOS = 64, 2
CPU = torch.device("cpu")


class Spent(NamedTuple):
    """Seconds."""

    wall: float
    cpu: float


class Windows(Dataset[tuple[Tensor, Tensor]]):
    """Materialised windows whose features are made item by item, as the documents describe it."""

    def __init__(self, data: PreparedData, experiment: BehaviourExperiment) -> None:
        classes = LabelledFrames.of(experiment, data).classes
        window, stride = experiment.data.window, experiment.data.stride
        self.noise = experiment.training.augmentation.noise_std
        self.jitter = experiment.training.augmentation.jitter_frames
        filled = np.nan_to_num(data.positions)
        starts = [
            video.offset + start
            for video in data.videos[:TRAIN_VIDEOS]
            for start in range(0, video.frames - window + 1, stride)
        ]
        self.windows = [filled[start : start + window].copy() for start in starts]
        self.classes = [classes[start : start + window].copy() for start in starts]

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, item: int) -> tuple[Tensor, Tensor]:
        shift = np.random.randint(-self.jitter, self.jitter + 1)  # noqa: NPY002 - what one writes
        points = np.roll(self.windows[item], shift, axis=0)
        points = points + np.random.normal(0, self.noise, points.shape)  # noqa: NPY002 - as above
        velocity = np.diff(points, axis=0, prepend=points[:1]) * FPS
        speed = np.linalg.norm(velocity, axis=-1)
        change = np.diff(velocity, axis=0, prepend=velocity[:1]) * FPS
        acceleration = np.linalg.norm(change, axis=-1)
        blocks = [block.reshape(len(points), -1) for block in (points, speed, acceleration)]
        features = np.concatenate(blocks, axis=1)
        classes = np.roll(self.classes[item], shift)
        return torch.tensor(features, dtype=torch.float32), torch.tensor(classes, dtype=torch.long)


class Sides:
    """One model, trained three ways, an epoch at each call."""

    def __init__(
        self, experiment: BehaviourExperiment, task: BehaviourTask, windows: Windows
    ) -> None:
        self.experiment, self.task, self.windows = experiment, task, windows
        self.state = TrainingState(experiment.training, _model(experiment, task), CPU)
        self.model = _model(experiment, task).train()
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            experiment.training.learning_rate,
            weight_decay=experiment.training.weight_decay,
        )
        self.state.model.train()
        self.made = [copied(batch) for batch in task.train_batches(1)]
        self.frames = sum(batch.examples for batch in self.made)
        self.epoch = 0
        self.fit(self.made[:2])  # the first steps look for kernels and ask for memory

    def ours(self) -> None:
        """Train as the trainer does."""
        self.epoch += 1
        batches = self.task.train_batches(self.epoch)
        for _ in range(self.task.steps_per_epoch()):
            clip = self.experiment.training.gradient_clip
            optimise(self.state, self.task, islice(batches, 1), clip)

    def arithmetic(self) -> None:
        """Train on batches that are there already."""
        self.fit(self.made)

    def fit(self, batches: list[FrameBatch]) -> None:
        """Make a step of nothing but the model's own with each."""
        for batch in batches:
            self.state.optimizer.zero_grad(set_to_none=True)
            loss = self.task.loss(self.state.forward(batch.inputs), batch)
            torch.autograd.backward(loss.total / loss.weight)
            self.state.optimizer.step()

    def reference(self) -> None:
        """Train as one does at first."""
        config = self.experiment.training
        weights = torch.tensor(config.class_weights)
        workers = self.experiment.hardware.loader_workers
        total = 0.0
        for inputs, classes in DataLoader(
            self.windows, config.batch_size, shuffle=True, num_workers=workers
        ):
            self.optimizer.zero_grad()
            logits = self.model(inputs).flatten(0, 1)
            loss = functional.cross_entropy(logits, classes.flatten(), weight=weights)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(self.model.parameters(), config.gradient_clip or np.inf)
            self.optimizer.step()
            total += loss.item()


def _model(experiment: BehaviourExperiment, task: BehaviourTask) -> nn.Module:
    torch.manual_seed(experiment.training.seed)
    return build_model(experiment.model, task.input_spec)


def copied(batch: FrameBatch) -> FrameBatch:
    """Copy a batch out of the memory that batches share."""
    inputs, targets, weights = (
        each.clone() for each in (batch.inputs, batch.targets, batch.weights)
    )
    return replace(batch, inputs=inputs, targets=targets, weights=weights)


def v6(model: str, options: argparse.Namespace) -> BehaviourExperiment:
    """Return v6 with batches of 64, and the architecture's own widths where it is another one."""
    overrides = [
        f"training.batch_size={BATCH}",
        f'data.validation_videos=["v{TRAIN_VIDEOS}"]',
        f"hardware.loader_workers={options.workers}",
    ]
    if model != "conv_bilstm":
        overrides += [f"model.name={model}", "model.channels=none"]
    return load(default_path()).experiment("v6", overrides)


def spent(work: Callable[[], None], as_session: bool) -> Spent:
    """Measure an epoch, in the mode in which a session trains, or in torch's own."""
    if as_session:
        make_deterministic(CPU)
    else:
        torch.use_deterministic_algorithms(False)
    wall, cpu = time.perf_counter(), _cpu_seconds()
    work()
    return Spent(time.perf_counter() - wall, _cpu_seconds() - cpu)


def _cpu_seconds() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class Result(NamedTuple):
    """Of one model and one clock."""

    model: str
    clock: str
    ours: float
    arithmetic: float
    reference: float
    frames_per_second: float

    @property
    def share(self) -> float:
        """Of our epoch that is arithmetic."""
        return self.arithmetic / self.ours


def measure(model: str, data: PreparedData, options: argparse.Namespace) -> Iterator[Result]:
    """Train one model all ways in turn, and give a result for each clock."""
    experiment = v6(model, options)
    task = BehaviourTask(experiment, data, CPU, seed=1)
    sides = Sides(experiment, task, Windows(data, experiment))
    ways = {"ours": sides.ours, "arithmetic": sides.arithmetic, "reference": sides.reference}
    taken: dict[str, list[Spent]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, way in ways.items():
            taken[name].append(spent(way, as_session=name != "reference"))
    for clock in Spent._fields:
        median = {
            name: statistics.median(getattr(each, clock) for each in found)
            for name, found in taken.items()
        }
        yield Result(model, clock, **median, frames_per_second=sides.frames / median["ours"])


def main() -> None:
    """Print what each way takes, and the ratios."""
    options = _options()
    torch.set_num_threads(options.threads)
    frames = 25 * (options.steps * BATCH // TRAIN_VIDEOS - 1) + 100
    data = wandering_mice(TRAIN_VIDEOS + 1, frames)
    print(
        f"{device_name(CPU)}, {options.threads} threads, {options.workers} workers, torch"
        f" {torch.__version__}; epochs of {options.steps} steps of {BATCH} × 100 × 288, medians of"
        f" {options.rounds}"
    )
    print(f"{'':21}{'ours':>9}{'arithmetic':>18}{'reference':>18}{'frames/s':>12}{'against':>15}")
    # Full-size data are too large for the cache of features, which this makes the small ones too.
    room = 0 if options.computed else reader.CACHE_BYTES
    first: dict[str, Result] = {}
    with mock.patch.object(reader, "CACHE_BYTES", room):
        for model in options.models:
            for result in measure(model, data, options):
                report(result, first.setdefault(result.clock, result))


def report(result: Result, first: Result) -> None:
    """Print one line, and a verdict where there is one."""
    against = result.frames_per_second / first.frames_per_second
    print(
        f"{result.model:12}{result.clock:5}{result.ours:10.2f} s"
        f"{result.arithmetic:9.2f} s ({result.share:4.0%})"
        f"{result.reference:8.2f} s ({result.reference / result.ours:4.2f}×)"
        f"{result.frames_per_second:12,.0f}{against:6.2f}× {first.model}",
        flush=True,
    )
    if result.model == "conv_bilstm":
        verdict = "ok" if result.share >= LEAST_SHARE else "MISSED"
        print(f"{'':17}arithmetic at least {LEAST_SHARE:.0%} of our epoch: {verdict}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=["conv_bilstm", "tcn", "unet1d"])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=12, help="in an epoch")
    parser.add_argument("--workers", type=int, default=2, help="of the loaders; v6 has 2")
    parser.add_argument(
        "--computed",
        action="store_true",
        help="compute features for each window, not once an epoch",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
