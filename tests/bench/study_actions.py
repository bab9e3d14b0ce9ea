"""Cross-validate v8 and its ingredients on real pose data: the four ethome videos, each held out once.

    python -m tests.bench.study_actions --seeds 1,2,3
    python -m tests.bench.study_actions --only "all,no flip" --robust

Each fold is a run of its own that trains for a fixed number of epochs and predicts the held-out video
with its last weights, so that nothing is chosen on that video. One variant has every ingredient; each of
the others leaves one out or puts another in its place. Prints average precision and F1 at 0.5 of
`interact` over the pooled frames of the four videos, for each seed and as a mean. With ``--robust``, the
models of the first variant also predict the same videos resampled, scaled, turned, and with parts missing.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.config.registry import default_path, load
from core.data.competition import Bouts, Video, read_bouts, read_videos
from core.evaluation.frames import average_precision, confusion, f1_per_class
from core.evaluation.pair_probabilities import PairProbabilities
from core.inference.pair_predictor import PairPredictor
from core.inference.predictor import load_predictor
from core.run.rundir import RunDir
from mabe_tui.runs.launching.run_requests import new_request
from tests.bench.study_ethome import ethome

ACTION, AGENT, TARGET = "interact", 1, 2
SMALL = (
    "data.source=competition",
    'data.other_actions=["interact"]',
    "model.width=64",
    "model.trunk=tcn",
    "training.batch_size=32",
    "training.windows_per_epoch=384",
    "training.warmup_epochs=1",
    "training.ema_decay=0.98",
)
"""A network and an epoch that two processor cores train in seconds."""
WITHOUT: Mapping[str, tuple[str, ...]] = {
    "all": (),
    "no augmentation": (
        "training.augmentation.time_stretch=0",
        "training.augmentation.scale=0",
        "training.augmentation.flip=0",
        "training.augmentation.part_dropout=0",
    ),
    "no time stretch": ("training.augmentation.time_stretch=0",),
    "no scale": ("training.augmentation.scale=0",),
    "no flip": ("training.augmentation.flip=0",),
    "no part dropout": ("training.augmentation.part_dropout=0",),
    "no moving average": ("training.ema_decay=0",),
    "windows drawn evenly": ("training.positive_share=0",),
    "focal loss of gamma 2": ("training.focal_gamma=2",),
    "bigru": ("model.trunk=bigru",),
    "attention": ("model.trunk=attention", "model.heads=4"),
}
Scores = npt.NDArray[np.float32]
Change = Callable[[pd.DataFrame, float], pd.DataFrame]
"""From a tracking table and pixels per cm to a changed table."""


@dataclass(frozen=True, slots=True)
class Held:
    """A video that a run has not seen, and the run."""

    video: Video
    run: RunDir


def main() -> None:
    options = _options()
    chosen = options.only.split(",") if options.only else list(WITHOUT)
    for name in chosen:
        began, found = time.monotonic(), []
        for seed in (int(word) for word in options.seeds.split(",")):
            held = _train(options, WITHOUT[name], seed)
            found.append(_measured(held))
            if options.robust and name == chosen[0]:
                _print_robustness(held, found[-1])
        ap, f1 = (statistics.mean(each[place] for each in found) for place in (0, 1))
        of_seeds = "  ".join(f"{each[0]:.3f}/{each[1]:.3f}" for each in found)
        minutes = (time.monotonic() - began) / 60
        print(f"{name:22}  AP {ap:.3f}  F1 {f1:.3f}  ({of_seeds}; {minutes:.1f} min)", flush=True)


def _train(options: argparse.Namespace, settings: tuple[str, ...], seed: int) -> list[Held]:
    """Train on three of the videos for each of the four."""
    held = []
    for video in read_videos(ethome()):
        overrides = [
            *SMALL,
            f"training.epochs={options.epochs}",
            f"training.seed={seed}",
            f'data.validation_videos=["{video.video_id}"]',
            *settings,
            *options.set,
        ]
        experiment = load(default_path()).experiment(options.version, overrides)
        request = new_request(experiment, "local", overrides=overrides, data=ethome())
        run = RunDir(options.home / "runs" / request.run)
        run.write_request(request)
        command = [sys.executable, "-m", "core.job", str(run.path)]
        environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        held.append(Held(video, run))
    return held


def _measured(held: list[Held]) -> tuple[float, float]:
    """Return average precision and F1 at 0.5 over the frames of all videos."""
    scores = [_scores(each) for each in held]
    bouts = [read_bouts(each.video) for each in held]
    truths = [_truth(*both) for both in zip(bouts, scores, strict=True)]
    return _ap_and_f1(np.concatenate(truths), np.concatenate(scores))


def _ap_and_f1(truth: npt.NDArray[np.bool_], scores: Scores) -> tuple[float, float]:
    f1 = f1_per_class(confusion(truth, scores > 0.5, 2))[1]
    return average_precision(truth, scores), float(f1)


def _scores(held: Held) -> Scores:
    predictor = load_predictor(held.run, "last", "cpu")
    assert isinstance(predictor, PairPredictor)
    return _of_pair(predictor.pair_probabilities(held.video))


def _of_pair(found: PairProbabilities) -> Scores:
    row = np.flatnonzero((found.agents == AGENT) & (found.targets == TARGET))[0]
    return np.nan_to_num(found.values[row, :, found.actions.index(ACTION)])


def _truth(bouts: Bouts, scores: Scores) -> npt.NDArray[np.bool_]:
    truth = np.zeros(len(scores), np.bool_)
    for start, stop in zip(bouts.start, bouts.stop, strict=True):
        truth[start:stop] = True
    return truth


# ── robustness ────────────────────────────────────────────────────────────────────────────────


def _print_robustness(held: list[Held], plain: tuple[float, float]) -> None:
    for name, rate, change in _changes():
        truths, scores = [], []
        with tempfile.TemporaryDirectory() as folder:
            for each in held:
                changed, bouts = _changed(each.video, rate, change, Path(folder))
                scores.append(_scores(Held(changed, each.run)))
                truths.append(_truth(bouts, scores[-1]))
        ap, f1 = _ap_and_f1(np.concatenate(truths), np.concatenate(scores))
        lost = f"AP {ap - plain[0]:+.3f}  F1 {f1 - plain[1]:+.3f}"
        print(f"  {name:20}  AP {ap:.3f}  F1 {f1:.3f}  ({lost})", flush=True)


def _changes() -> list[tuple[str, float | None, Change]]:
    """Return name, new frame rate if any, and what is done to the tracking."""
    return [
        ("unchanged", None, _unchanged),
        *((f"{rate:g} frames/s", rate, _unchanged) for rate in (15.0, 25.0, 60.0)),
        *((f"scaled by {by:g}", None, _scaled(by)) for by in (0.8, 1.2)),
        ("turned by 90°", None, _turned),
        *((f"without {part}", None, _without(part)) for part in ("nose", "ear_left", "tail_base")),
    ]


def _unchanged(table: pd.DataFrame, _: float) -> pd.DataFrame:
    return table


def _scaled(by: float) -> Change:
    return lambda table, _: table.assign(x=table["x"] * by, y=table["y"] * by)


def _turned(table: pd.DataFrame, _: float) -> pd.DataFrame:
    return table.assign(x=-table["y"], y=table["x"])


def _without(part: str) -> Change:
    return lambda table, _: table[table["bodypart"] != part]


def _changed(video: Video, rate: float | None, change: Change, folder: Path) -> tuple[Video, Bouts]:
    """Write the tracking of a video changed; return the video as changed, and its bouts."""
    table, bouts = pd.read_parquet(video.tracking_path), read_bouts(video)
    if rate is not None:
        by = rate / video.frames_per_second
        table = _resampled(table, by)
        bouts = replace(bouts, start=_moved(bouts.start, by), stop=_moved(bouts.stop, by))
        video = replace(video, frames_per_second=rate)
    path = folder / f"{video.video_id}.parquet"
    change(table, video.pixels_per_cm or 1.0).to_parquet(path, index=False)
    return replace(video, tracking_path=path), bouts


def _moved(frames: npt.NDArray[np.int64], by: float) -> npt.NDArray[np.int64]:
    return np.rint(frames * by).astype(np.int64)


def _resampled(table: pd.DataFrame, by: float) -> pd.DataFrame:
    """Return the tracking at another frame rate, interpolated linearly within each point's frames."""
    parts = []
    for (mouse, part), points in table.groupby(["mouse_id", "bodypart"], sort=False):
        frames = points["video_frame"].to_numpy()
        new = np.arange(int(frames.max() * by) + 1)
        before = new / by
        nearest = frames[np.clip(np.searchsorted(frames, before), 0, len(frames) - 1)]
        known = np.abs(nearest - before) <= 1
        columns = {axis: np.interp(before, frames, points[axis])[known] for axis in ("x", "y")}
        made = pd.DataFrame({"video_frame": new[known], "mouse_id": mouse, "bodypart": part})
        parts.append(made.assign(**{k: v.astype(np.float32) for k, v in columns.items()}))
    joined = pd.concat(parts, ignore_index=True)
    return cast(pd.DataFrame, joined.astype({"video_frame": "int32", "mouse_id": "int8"}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--version", default="v8", help="or v8-boost, which reads no epochs")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--only", help="names of variants, separated by commas")
    parser.add_argument("--robust", action="store_true")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "mabe-actions")
    return parser.parse_args()


if __name__ == "__main__":
    main()
