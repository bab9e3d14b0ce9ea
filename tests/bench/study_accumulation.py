"""The effect of accumulation with batch norm: 6 × 64 windows or 384, the same windows per update.

`python tests/bench/study_accumulation.py` prints, for one update from the same weights, how far gradient
and running statistics are apart, and then the F1 of both after training, over several seeds: the
difference that counts is the one beside the spread of the seeds. docs/training.md quotes it.
"""

import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from core.config.registry import default_path, load
from core.tasks.behaviour.build import open_data
from core.tasks.behaviour.settings import BehaviourExperiment
from core.tasks.behaviour.task import BehaviourTask
from core.training.evaluate import evaluate
from core.training.rng import seed_everything
from core.training.state import TrainingState
from core.training.step import optimise

CPU = torch.device("cpu")
WAYS = {"384": (384, 1), "6 × 64": (64, 6)}
EPOCHS, SEEDS = 12, (42, 2023, 2024)
SETTINGS = (
    "data.source=synthetic",
    "data.synthetic_videos=12",
    "data.synthetic_frames=3000",
    "model.channels=[32, 64]",
    "model.hidden_size=32",
    "model.dropout=0.0",
    "hardware.loader_workers=0",
    "training.learning_rate=0.003",
)


def experiment(way: str) -> BehaviourExperiment:
    """v6, small, without dropout: what differs is batch norm alone."""
    batch_size, accumulation = WAYS[way]
    return load(default_path()).experiment(
        "v6",
        overrides=(
            *SETTINGS,
            f"training.batch_size={batch_size}",
            f"training.accumulation_steps={accumulation}",
        ),
    )


def begin(way: str, cache: Path, seed: int) -> tuple[BehaviourTask, TrainingState, int]:
    """Build the task and the model; all ways begin with the same weights."""
    chosen = experiment(way)
    task = BehaviourTask(chosen, open_data(chosen, None, cache, lambda *_: None), CPU, seed)
    seed_everything(seed)
    state = TrainingState(chosen.training, task.build_model(), CPU)
    return task, state, chosen.training.accumulation_steps


def one_update(cache: Path) -> None:
    """Compare a single update."""
    gradients, statistics = [], []
    for way in WAYS:
        task, state, accumulation = begin(way, cache, seed=42)
        optimise(state, task, islice(task.train_batches(1), accumulation), clip=None)
        parameters = [p.grad.flatten() for p in state.model.parameters() if p.grad is not None]
        gradients.append(torch.cat(parameters))
        means = [b.flatten() for n, b in state.model.named_buffers() if n.endswith("running_var")]
        statistics.append(torch.cat(means))
    for what, (whole, parts) in {"gradient": gradients, "running variance": statistics}.items():
        print(
            f"one update, {what}: apart by {(whole - parts).norm() / whole.norm():.2%} of its norm"
        )


def trained(way: str, cache: Path, seed: int) -> float:
    """Train and give the best f1_macro."""
    task, state, accumulation = begin(way, cache, seed)
    best = 0.0
    for epoch in range(1, EPOCHS + 1):
        batches = task.train_batches(epoch)
        for _ in range(-(-task.steps_per_epoch() // accumulation)):
            optimise(state, task, islice(batches, accumulation), clip=1.0)
        measure = evaluate(state.model, task, state.precision)
        assert measure is not None
        best = max(best, measure.metrics()["f1_macro"])
    return best


def main() -> int:
    torch.set_num_threads(1)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        one_update(Path(folder))
        for way in WAYS:
            scores = [trained(way, Path(folder), seed) for seed in SEEDS]
            shown = "  ".join(f"{score:.4f}" for score in scores)
            print(
                f"{way:>7}: best f1_macro {np.mean(scores):.4f} ± {np.std(scores):.4f}  ({shown})"
            )
    print(f"{EPOCHS} epochs, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
