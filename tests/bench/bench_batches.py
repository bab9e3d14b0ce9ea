"""Training batches of v6, against a Dataset that makes one window at a time.

Both sides give shuffled batches of 384 windows of 100 frames × 288 standardised features, from the same
positions, with and without the same augmentation: noise on the positions before they are differenced,
and jitter. The reference is what one writes first: ``__getitem__`` slices a window, adds noise, takes
differences, standardises, and a torch ``DataLoader`` stacks the items (no workers). Both sides are
given whole epochs' worth of set-up: ours includes drawing the noise and filling the cache of features,
spread over the epoch's windows. What a run makes once is left out on both sides: where the windows
begin and, as the task does it, the memory that batches share. ``computed`` is ours where the features
are too many to be cached. Rounds are interleaved; medians are compared, in CPU seconds of the process
too, which other work on the machine disturbs less.

Run: ``python -m tests.bench.bench_batches [--threads 1] [--rounds 7]``
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from core.features.pipeline import FeaturePipeline
from core.features.settings import FeatureConfig
from core.frames.reader import CachedFeatures, ComputedFeatures, FeatureReader, read_targets
from core.frames.sampling import EpochPlan, NoisePool
from core.frames.store import FrameStore
from core.frames.windows import training_windows

WINDOW, STRIDE, BATCH, FPS = 100, 25, 384, 30.0
NOISE, JITTER = 0.01, 2
VIDEO, VIDEOS = 18_000, 6
TARGETS = {"augmented": 30, "plain": 7}


class Windows(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """One window at a time, as plainly as it can be written."""

    def __init__(
        self, positions: Any, classes: Any, pipeline: FeaturePipeline, augment: bool
    ) -> None:
        self.positions, self.classes, self.augment = positions, classes, augment
        self.mean = pipeline.fitted.statistics.mean.numpy()
        self.std = pipeline.fitted.statistics.std.numpy()
        self.noise_std = NOISE * pipeline.fitted.positions.std.numpy().reshape(4, 18, 2)
        self.starts = [
            video * VIDEO + start
            for video in range(VIDEOS)
            for start in range(2 + JITTER, VIDEO - WINDOW - JITTER, STRIDE)
        ]

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, item: int) -> tuple[torch.Tensor, torch.Tensor]:
        start = self.starts[item]
        if self.augment:
            start += np.random.randint(-JITTER, JITTER + 1)  # noqa: NPY002 - what one writes first
        points = self.positions[start - 2 : start + WINDOW]
        if self.augment:
            noise = np.random.normal(0, 1, points.shape)  # noqa: NPY002 - as above
            points = points + noise * self.noise_std
        velocity = np.diff(points, axis=0) * FPS
        speed = np.linalg.norm(velocity, axis=-1)[1:]
        acceleration = np.linalg.norm(np.diff(velocity, axis=0) * FPS, axis=-1)
        features = np.concatenate(
            [block.reshape(WINDOW, -1) for block in (points[2:], speed, acceleration)], axis=1
        )
        features = np.nan_to_num((features - self.mean) / self.std)
        return torch.tensor(features, dtype=torch.float32), torch.tensor(
            self.classes[start : start + WINDOW], dtype=torch.long
        )


class Ours:
    """Returns batches as the task does; ``std`` 0 is no augmentation."""

    def __init__(
        self, features: FeatureReader, store: FrameStore, classes: torch.Tensor, std: torch.Tensor
    ) -> None:
        self.features, self.store, self.classes, self.std = features, store, classes, std
        self.windows = training_windows(range(VIDEOS), store.frames, WINDOW, STRIDE)
        self.buffer = torch.zeros(BATCH, WINDOW, len(std) * 2)  # written to, so that it is there

    def batches(self, epoch: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Return the batches of an epoch."""
        augment = bool(self.std.any())
        plan = EpochPlan.draw(1, epoch, len(self.windows), JITTER if augment else 0)
        self.features.begin(NoisePool(1, epoch, self.std) if augment else None)
        for begin in range(0, len(self.windows), BATCH):
            part = slice(begin, begin + BATCH)
            index = self.windows[plan.order[part]].moved(self.store.frames, plan.jitter[part])
            inputs = self.buffer[: len(index)]
            self.features.read(index, inputs)
            yield inputs, read_targets(self.store, self.classes, index)


class Rate(NamedTuple):
    """Thousand windows a second."""

    wall: float
    cpu: float


def rate(batches: Iterator[Any], count: int | None = None) -> Rate:
    """Measure so many batches, or all."""
    wall, cpu = time.perf_counter(), time.process_time()
    windows = sum(len(batch[0]) for batch in itertools.islice(batches, count)) / 1000
    return Rate(windows / (time.perf_counter() - wall), windows / (time.process_time() - cpu))


def made_up_data() -> tuple[FrameStore, torch.Tensor]:
    """Make walks of four mice, 3 % of the points missing."""
    rng = np.random.default_rng(0)
    shape = (VIDEOS * VIDEO, 4, 18, 2)
    steps = rng.standard_normal(shape, np.float32)
    positions = 500 + np.cumsum(steps, axis=0, dtype=np.float32)
    positions[rng.random(shape[:3]) < 0.03] = np.nan
    store = FrameStore(
        positions=torch.from_numpy(positions),
        offsets=np.arange(VIDEOS, dtype=np.int64) * VIDEO,
        frames=np.full(VIDEOS, VIDEO, np.int64),
        frames_per_second=np.full(VIDEOS, FPS, np.float32),
        pixels_per_cm=np.full(VIDEOS, np.nan, np.float32),
        names=tuple(str(video) for video in range(VIDEOS)),
    )
    return store, torch.from_numpy(rng.integers(0, 4, len(positions), np.uint8))


def main() -> None:
    """Print the rates and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    store, classes = made_up_data()
    config = FeatureConfig(inputs=("coordinates", "speed", "acceleration"))
    pipeline = FeaturePipeline.fit(config, store, range(VIDEOS))
    print(
        f"batches of {BATCH} × {WINDOW} × {pipeline.features}, {options.threads} threads,"
        f" features by {pipeline.computed_by}"
    )
    readers = {
        "cached": CachedFeatures(store, pipeline, range(VIDEOS)),
        "computed": ComputedFeatures(store, pipeline),
    }
    for name, target in TARGETS.items():
        augment = name == "augmented"
        std = pipeline.fitted.positions.std * (NOISE if augment else 0)
        data = Windows(store.positions.numpy(), classes.numpy(), pipeline, augment)
        ours = {reader: Ours(features, store, classes, std) for reader, features in readers.items()}
        rates: dict[str, list[Rate]] = {"reference": [], **{reader: [] for reader in readers}}
        for epoch in range(options.rounds):
            rates["reference"].append(rate(iter(DataLoader(data, BATCH, shuffle=True)), 2))
            for reader, side in ours.items():
                rates[reader].append(rate(side.batches(epoch)))
        report(name, target, rates)


def report(name: str, target: int, rates: dict[str, list[Rate]]) -> None:
    """Print medians, and their ratios to the reference."""
    for clock in ("wall", "cpu"):
        medians = {
            side: statistics.median(getattr(each, clock) for each in found)
            for side, found in rates.items()
        }
        reference = medians.pop("reference")
        ours = ", ".join(f"{s} {m:.1f} ({m / reference:.1f}×)" for s, m in medians.items())
        print(
            f"{name:9} {clock:4}: reference {reference:.2f} thousand windows/s, {ours}; ≥ {target}×"
        )


if __name__ == "__main__":
    main()
