"""A tiny task on random tensors, and a job that trains it: `python fake_job.py RUN_DIR`.

With ``FAKE_NOTHING`` in the environment it trains the experiment's own task instead.

It includes batch norm and dropout because a resume must preserve their state.
"""

import math
import multiprocessing
import os
import sys
import time
from pathlib import Path

import pyarrow as pa
import torch
from torch import nn

from core.frames.batch import FrameBatch
from core.job import main
from core.losses.frames import FrameLoss
from core.run.rundir import RunDir
from core.tasks.behaviour.spec import SPEC
from core.tasks.task import DataSummary, Loss
from core.training import checkpoint_file, leader

TIME, FEATURES, CLASSES = 5, 6, 3
HELD_AT = 4


class FakeModel(nn.Module):
    def __init__(self, plain=False):
        super().__init__()
        self.first = nn.Linear(FEATURES, 16)
        self.norm = nn.Identity() if plain else nn.BatchNorm1d(16)
        self.dropout = nn.Identity() if plain else nn.Dropout(0.3)
        self.last = nn.Linear(16, CLASSES)

    def forward(self, inputs):
        hidden = self.norm(self.first(inputs).transpose(1, 2)).transpose(1, 2)
        return self.last(self.dropout(hidden.relu()))


class FakeMeasure:
    def __init__(self):
        self.total = self.weight = 0.0
        self.right = self.frames = 0

    def update(self, output, batch):
        loss = FrameLoss()(output, batch.targets, batch.weights)
        self.total += float(loss.total)
        self.weight += float(loss.weight)
        self.right += int((output.argmax(-1) == batch.targets).sum())
        self.frames += batch.targets.numel()

    def metrics(self):
        return {"loss": self.total / self.weight, "f1_macro": self.right / self.frames}

    def table(self):
        return pa.table({"right": [self.right], "frames": [self.frames]})

    def confusion(self):
        return None


class FakeTask:
    spec = SPEC
    monitor = "f1_macro"
    summary = DataSummary(
        fingerprint="fake",
        train_units=("a", "b"),
        validation_units=("c",),
        train_examples=320,
        validation_examples=80,
        train_samples=64,
        train_label_examples={"other": 320},
        validation_label_examples={"other": 80},
        input_size=FEATURES,
    )

    def __init__(
        self, batch_size=8, batches=8, plain=False, step_seconds=0.0, broken=(), last=None
    ):
        generator = torch.Generator().manual_seed(7)
        windows = batch_size * (batches - 1) + (last or batch_size)
        self.inputs = torch.randn(windows, TIME, FEATURES, generator=generator)
        self.targets = self.inputs[..., :CLASSES].argmax(-1)
        self.batch_size, self.batches, self.plain = batch_size, batches, plain
        self.step_seconds = step_seconds
        self.broken = broken  # (epoch, batch) pairs whose loss is NaN
        self.on_batch = hold_at_gate

    def steps_per_epoch(self):
        return self.batches

    def train_batches(self, epoch, skip=0):
        order = torch.randperm(len(self.inputs), generator=torch.Generator().manual_seed(epoch))
        for index in range(skip, self.batches):
            self.on_batch(epoch, index)
            time.sleep(self.step_seconds)
            chosen = order[index * self.batch_size : (index + 1) * self.batch_size]
            inputs = self.inputs[chosen]
            if (epoch, index) in self.broken:
                inputs = inputs * float("nan")
            yield self._batch(inputs, self.targets[chosen])

    def validation_batches(self):
        for part in range(0, 16, 8):
            yield self._batch(self.inputs[part : part + 8] + 0.5, self.targets[part : part + 8])

    def _batch(self, inputs, targets):
        # weights that differ between batches, so that a mean of means is not the mean
        weights = (targets != 2).float() * 2 + 0.5
        return FrameBatch(inputs, targets, weights, examples=targets.numel())

    def build_model(self):
        return FakeModel(self.plain)

    def input_table(self):
        return {"features": FEATURES}

    def loss(self, output, batch) -> Loss:
        return FrameLoss()(output, batch.targets, batch.weights)

    def measure(self):
        return FakeMeasure()

    def predict(self, output, batch):
        return pa.table({"unit": ["c"] * batch.size, "score": output[:, 0, 0].numpy()})

    def state_dict(self):
        return {"classes": ["x", "y", "z"], "mean": torch.zeros(FEATURES)}


def hold_at_gate(epoch, index):
    """Wait in the middle of an epoch that the gate does not let complete (see tests/gate.py)."""
    gate = os.environ.get("FAKE_GATE")
    while gate and index >= HELD_AT and epoch > epochs_to_complete(Path(gate)):
        time.sleep(0.01)


def epochs_to_complete(gate):
    try:
        return int(gate.read_text())
    except FileNotFoundError:
        return math.inf


def build(request, cache, device, progress):
    progress(1, 1, "fake data")
    return FakeTask(
        plain="FAKE_PLAIN" in os.environ,
        last=int(os.environ.get("FAKE_LAST", "8")),
        step_seconds=float(os.environ.get("FAKE_STEP_SECONDS", "0")),
    )


def slow_down_writes(seconds):
    """Delay checkpoints so that random kills hit their writes, or fall between pointers and event."""
    write, point = checkpoint_file._HashingWriter.write, RunDir.write_pointer

    def slow_write(self, data):
        time.sleep(seconds)
        return write(self, data)

    def slow_point(self, name, pointer):
        time.sleep(seconds * 5)
        point(self, name, pointer)
        time.sleep(seconds * 5)

    checkpoint_file._HashingWriter.write, RunDir.write_pointer = slow_write, slow_point


def run(arguments):
    """Train as the environment specifies; return the exit code."""
    torch.set_num_threads(1)
    if slow := float(os.environ.get("FAKE_SLOW_WRITES", "0")):
        slow_down_writes(slow)
    if "FAKE_FORK" in os.environ:  # followers need not import torch again either
        leader.get_context = lambda _: multiprocessing.get_context("fork")
    return main(arguments, build=None if "FAKE_NOTHING" in os.environ else build)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
