"""Check that each version learns: scaled down, on synthetic data, against baselines without a network.

    python -m tests.bench.study_versions [--versions v1 v6] [--videos 40] [--frames 1500]

Each is a run of its own, made and trained as `mabe run` does: v1 to v6 with the preset `demo`, v7 as it is. A
version learns if the macro F1 of its best epoch beats, on the same validation frames, both always answering
`other` and a logistic regression. That one (scikit-learn) is given the same standardised features, of single
frames, every few frames of the training videos; with balanced class weights and without, and the better of
the two counts. Both sides' best are thus chosen on the frames they are shown for; the last epoch is not.

Then `conv_bilstm`, `tcn` and `unet1d` at full size on v6's inputs, the same split, epochs and windows (100
frames that do not overlap, at a random phase): what a CPU gets for its time. Synthetic mice behave more
regularly than real ones: these figures say that training works, not how good a version is on real videos.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from core.config.registry import default_path, load
from core.errors import RunError
from core.evaluation.frames import confusion, f1_macro
from core.features.pipeline import FeaturePipeline
from core.frames.store import FrameStore
from core.run.events import DataReady, Failed
from core.run.places import cache_of_run
from core.run.rundir import RunDir
from core.tasks.behaviour.build import open_data
from core.tasks.behaviour.labelled_frames import LabelledFrames
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.runs.launching.run_requests import new_request
from tests.core.features.whole_videos import features_of

PRESET = "demo"
FULL_SIZE = ("conv_bilstm", "tcn", "unet1d")
FULL_SIZE_TRAINING = (
    "data.stride=100",
    "data.phase=random",
    "training.batch_size=32",
    "training.learning_rate=1e-3",
    "training.warmup_epochs=1",
    "training.class_weights=[1.0, 3.0, 4.0, 4.0]",
)
REGRESSION_FRAMES = 12_000


@dataclass(frozen=True)
class Plain:
    """What needs no network, by macro F1 on the validation frames."""

    always_other: float
    regression: float


@dataclass
class Study:
    """Trains runs on synthetic data, and looks at what they are to be compared with."""

    options: argparse.Namespace
    plain: dict[object, Plain] = field(default_factory=dict)

    def add(self, name: str, experiment: BehaviourExperiment, preset: str | None) -> None:
        """Train one experiment and print its row."""
        request = new_request(experiment, "local", preset=preset)
        run = RunDir(self.options.home / "runs" / request.run)
        run.write_request(request)
        began = time.monotonic()
        train(run, self.options.threads)
        seconds = time.monotonic() - began
        key = (experiment.data.mice, experiment.data.keypoints, experiment.features)
        if key not in self.plain:
            self.plain[key] = without_network(run)
        print(row(name, run, self.plain[key], seconds), flush=True)


def train(run: RunDir, threads: int) -> None:
    """Train a run to its end in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", "core.job", str(run.path)]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env=environment)
    history = run.history()
    if not history.epochs:
        failed = history.last(Failed)
        raise RunError(f"{run.id}: {failed.error if failed else 'ended without an epoch'}")


def row(name: str, run: RunDir, plain: Plain, seconds: float) -> str:
    """Lay one line out."""
    history, experiment = run.history(), run.read_request().experiment
    ready, epochs = history.last(DataReady), history.epochs
    scores = [epoch.metrics["f1_macro"] for epoch in epochs]
    rate = float(np.median([epoch.frames_per_second for epoch in epochs]))
    best = max(scores)
    learns = best > max(plain.always_other, plain.regression)
    return (
        f"{name:<5}{experiment.model.name:<12}{ready.parameters if ready else 0:>10,}"
        f"{ready.input_size if ready else 0:>7}{rate:>10,.0f}{len(epochs):>7}{seconds:>6.0f} s"
        f"{best:>9.3f}{scores[-1]:>7.3f}{plain.always_other:>8.3f}{plain.regression:>11.3f}"
        f"  {'learns' if learns else 'DOES NOT LEARN'}"
    )


HEADER = (
    f"{'':<5}{'model':<12}{'parameters':>10}{'inputs':>7}{'frames/s':>10}{'epochs':>7}{'in all':>8}"
    f"{'best F1':>9}{'last':>7}{'other':>8}{'regression':>11}"
)


# ── what needs no network ─────────────────────────────────────────────────────────────────────


def without_network(run: RunDir) -> Plain:
    """Answer the validation frames of a run without one."""
    experiment = run.read_request().experiment
    data = open_data(experiment, None, cache_of_run(run.path), lambda *_: None)
    frames = LabelledFrames.of(experiment, data)
    store = FrameStore.of_prepared(data)
    pipeline = FeaturePipeline.fit(experiment.features, store, frames.train)

    def of(videos: Sequence[int], every: int) -> tuple[np.ndarray, np.ndarray]:
        features, classes = [], []
        for index in videos:
            video = data.videos[index]
            values = features_of(
                pipeline, data.positions_of(index), video.frames_per_second, video.pixels_per_cm
            )
            features.append(values[::every].numpy())
            classes.append(frames.classes[video.offset : video.offset + video.frames : every])
        return np.concatenate(features), np.concatenate(classes)

    train = of(frames.train, every=max(1, frames.frames(frames.train) // REGRESSION_FRAMES))
    validation = of(frames.validation, every=1)
    count = len(experiment.classes)
    nothing = np.zeros_like(validation[1])
    return Plain(
        always_other=float(f1_macro(confusion(validation[1], nothing, count))),
        regression=max(regression(train, validation, count, weights) for weights in WEIGHTS),
    )


WEIGHTS = (None, "balanced")


def regression(
    train: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    classes: int,
    weights: str | None,
) -> float:
    """Fit a logistic regression and give its macro F1."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    # One thread: two take fifty times as long where something else is at work on the machine.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)  # 300 steps change no second digit
        model = LogisticRegression(class_weight=weights, max_iter=300).fit(*train)
    return float(f1_macro(confusion(validation[1], model.predict(validation[0]), classes)))


# ── what is trained ───────────────────────────────────────────────────────────────────────────


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    registry = load(default_path())
    study = Study(options)
    size = [
        "data.source=synthetic",
        "hardware.launcher=local",
        f"data.synthetic_videos={options.videos}",
        f"data.synthetic_frames={options.frames}",
    ]
    print(f"{options.videos} videos × {options.frames} frames, {options.threads} threads\n{HEADER}")
    known = [version for version in options.versions if version in registry.versions]
    for version in known:
        preset = None if version == "v7" else PRESET
        study.add(version, registry.experiment(version, size, preset), preset)
    print(f"v6's inputs at full size, {options.epochs} epochs\n{HEADER}")
    for model in options.models:
        widths = [] if model == "conv_bilstm" else ["model.channels=none"]
        overrides = [*FULL_SIZE_TRAINING, f"training.epochs={options.epochs}", *widths]
        experiment = registry.experiment("v6", [*size, *overrides, f"model.name={model}"])
        study.add("v6", experiment, None)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    versions = [f"v{number}" for number in range(1, 8)]
    parser.add_argument("--versions", nargs="*", default=versions)
    parser.add_argument("--models", nargs="*", default=list(FULL_SIZE), help="at full size")
    parser.add_argument("--videos", type=int, default=40)
    parser.add_argument("--frames", type=int, default=1500)
    parser.add_argument("--epochs", type=int, default=6, help="of the models at full size")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "mabe-versions")
    return parser.parse_args()


if __name__ == "__main__":
    main()
