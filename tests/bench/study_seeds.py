"""Train versions with many seeds and keep the confusion counts of every epoch.

    python -m tests.bench.study_seeds FOLDER [--versions v6 v5] [--seeds 24] [--videos 100] [--held 0.4]

Material for `bench_verdict.py --runs FOLDER`. All runs see the same synthetic videos, split the same way,
with the preset `demo`; only the training seed differs. FOLDER gets a file a run, such as ``v6-07.npz``, with
``counts``, ``(epochs, videos, classes, classes)``. Files that are there are kept: a study that was stopped
continues. About 40 CPU seconds a run.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from core import job
from core.config.registry import default_path, load
from core.evaluation.table import read_confusions
from core.run.rundir import RunDir
from core.tasks.task import Measure
from core.training import trainer
from mabe_tui.runs.launching.run_requests import new_request


def train(version: str, seed: int, folder: Path, overrides: list[str]) -> None:
    """Train one run, unless its file is there, and keep the counts of each of its epochs."""
    target = folder / f"{version}-{seed:02d}.npz"
    if target.exists():
        return
    settings = [*overrides, f"training.seed={seed}"]
    experiment = load(default_path()).experiment(version, settings, "demo")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        request = new_request(experiment, "local", preset="demo")
        run = RunDir(Path(scratch) / request.run)
        run.write_request(request)
        with every_epoch(Path(scratch) / "epoch.parquet") as epochs:
            if job.main([str(run.path)]) != 0:
                raise SystemExit(f"{version}, seed {seed}: failed")
    partial = target.with_suffix(".partial.npz")
    np.savez_compressed(partial, counts=np.stack(epochs))
    partial.rename(target)


@contextmanager
def every_epoch(table: Path) -> Iterator[list[NDArray[np.int64]]]:
    """Collect the counts that each validation of the trainer comes to."""
    epochs: list[NDArray[np.int64]] = []
    evaluate: Callable[..., Measure | None] = trainer.evaluate

    def kept(*arguments: object) -> Measure | None:
        measure = evaluate(*arguments)
        if measure is not None:
            pq.write_table(measure.confusion(), table)
            epochs.append(read_confusions(table).counts)
        return measure

    vars(trainer)["evaluate"] = kept
    try:
        yield epochs
    finally:
        vars(trainer)["evaluate"] = evaluate


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--versions", nargs="*", default=["v6", "v5"])
    parser.add_argument("--seeds", type=int, default=24)
    parser.add_argument("--videos", type=int, default=100)
    parser.add_argument("--frames", type=int, default=800)
    parser.add_argument("--held", type=float, default=0.4, help="share of the videos to score on")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    os.environ["MABE_CACHE"] = str(options.folder / "cache")
    overrides = [
        "data.source=synthetic",
        "hardware.launcher=local",
        f"data.synthetic_videos={options.videos}",
        f"data.synthetic_frames={options.frames}",
        f"data.validation_fraction={options.held}",
    ]
    for version in options.versions:
        for seed in range(options.seeds):
            train(version, seed, options.folder, overrides)


if __name__ == "__main__":
    main()
