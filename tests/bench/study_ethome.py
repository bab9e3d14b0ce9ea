"""Cross-validate a version on real pose data: the four ethome videos, each held out once.

    python tests/bench/study_ethome.py v6 --epochs 12 --set training.batch_size=32

Each fold is a run of its own, made and trained as `mabe run` does, validated on the video held out. Nothing
is chosen on that video: a fixed number of epochs, the last weights, no plateau, no early stopping, threshold
0.5. Frames of the four videos are pooled. Prints F1 and average precision of `social`, also by video and with
test-time augmentation, beside the anchor of the gradient boosting baseline (bench_ethome_baseline.py).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from core.config.registry import default_path, load
from core.data.competition import read_bouts, read_videos
from core.data.labels import ActionMap, frame_classes
from core.evaluation.frames import average_precision, confusion, f1_per_class
from core.inference.predictor import load_predictor
from core.run.rundir import RunDir
from core.tasks.behaviour.inference.predictor import FramePredictor
from mabe_tui.runs.launching.run_requests import new_request

SOCIAL = 1
FIXED = (
    "actions.interact=social",
    "data.source=competition",
    "training.early_stopping_patience=none",
)


def main() -> None:
    options = _options()
    root = ethome()
    videos = read_videos(root)
    truths, scores, views = [], [], []
    began = time.monotonic()
    for video in videos:
        run = train_fold(options, root, video.video_id)
        predictor = load_predictor(run, "last", "cpu")
        assert isinstance(predictor, FramePredictor)
        prediction = predictor.predict_one(video)
        views.append(predictor.predict_one(video, tta=True).probabilities[:, SOCIAL])
        action_map = ActionMap(predictor.experiment.actions, predictor.classes)
        truth = frame_classes(read_bouts(video), len(prediction.classes), action_map) == SOCIAL
        truths.append(truth)
        scores.append(prediction.probabilities[:, SOCIAL])
        print(
            f"{video.video_id}  F1 {f1(truth, scores[-1]):.3f}  AP {ap(truth, scores[-1]):.3f}",
            flush=True,
        )
    truth, score, mean = (np.concatenate(each) for each in (truths, scores, views))
    minutes = (time.monotonic() - began) / 60
    print(
        f"{options.version} pooled: F1 {f1(truth, score):.3f}  AP {ap(truth, score):.3f}  ({minutes:.1f} min)"
    )
    print(f"{options.version} with --tta: F1 {f1(truth, mean):.3f}  AP {ap(truth, mean):.3f}")
    print("anchor (gradient boosting): F1 0.684  AP 0.776")


def train_fold(options: argparse.Namespace, root: Path, held_out: str) -> RunDir:
    """Train one fold in this process's own folder of runs and give it."""
    registry = load(default_path())
    schedule = registry.experiment(options.version, options.set).training.scheduler
    overrides = [
        *FIXED,
        *(["training.scheduler=none"] if schedule == "plateau" else []),
        f"training.epochs={options.epochs}",
        f"training.seed={options.seed}",
        f"data.validation_videos={json.dumps([held_out])}",
        *options.set,
    ]
    experiment = registry.experiment(options.version, overrides)
    request = new_request(experiment, "local", overrides=overrides, data=root)
    run = RunDir(options.home / "runs" / request.run)
    run.write_request(request)
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
    command = [sys.executable, "-m", "core.job", str(run.path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return run


def f1(truth: np.ndarray, score: np.ndarray) -> float:
    return float(f1_per_class(confusion(truth, score > 0.5, 2))[1])


def ap(truth: np.ndarray, score: np.ndarray) -> float:
    return average_precision(truth, score)


def ethome() -> Path:
    beside_checkout = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("MABE_TEST_DATA") or beside_checkout) / "ethome"
    if not (folder / "train.csv").is_file():
        sys.exit(f"real data not found at {folder}; set MABE_TEST_DATA to the folder that has it")
    return folder


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("version")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "mabe-ethome")
    return parser.parse_args()


if __name__ == "__main__":
    main()
