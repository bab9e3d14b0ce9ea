"""Play the whole competition on a small twin of its data: every lab, simulated mice, a small network.

    python -m tests.bench.study_twin TRAIN_CSV [--videos 4] [--frames 3000] [--folds 3]

TRAIN_CSV is the real train.csv with train_annotation/ beside it. Of each lab that the hidden test set has,
the stretches with the most actions are taken from a few videos, and acted out by simulated mice with the
lab's own whitelist, frame rate, scale, body parts and number of mice (`mabe data synth --like`). On that data
v8, v8-boost and v6 are trained by folds, all small, with the commands that a user has. Prints the official
score of their out-of-fold predictions, of the mean of v8 and v8-boost, and of two answers without a model.
It shows that all of it works. Nothing about real mice follows, nor which of them is better.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from core.data.competition import Bouts, Video, read_bouts, read_videos
from core.data.csv_file import read_rows
from core.data.known_faults import has_suspect_labels
from core.data.synthetic.like import like
from core.data.synthetic.schedule import PlannedBout
from core.data.writer import annotation_path, write_annotation, write_train_csv
from core.evaluation.table import read_rows as read_counts
from core.inference.pair_predictor import load_pair_predictor
from core.postprocess.decide import decide
from core.postprocess.rules import Rules
from core.run.rundir import RunDir
from core.submission.writer import write_submission
from core.tasks.actions.settings import ActionsDataConfig, ActionsTrainingConfig
from mabe_tui.runs.comparison.score_report import score_of_submission

MABE = [sys.executable, "-c", "from mabe_tui.cli.main import run; run()"]
STARTS = 200
"""Stretches of a video that are looked at."""
CLASSES_FROM = 0.5
"""Probability from which a class of v6 counts as its action, as in `mabe submit`."""
SMALL: Mapping[str, tuple[str, ...]] = {
    "v8": (
        *("--preset", "small-actions", "--keep-predictions"),
        *("--set", "data.window=256", "--set", "model.width=64"),
        *("--set", "training.epochs=10", "--set", "training.windows_per_epoch=512"),
    ),
    "v8-boost": (
        "--keep-predictions",
        *("--set", "model.rounds=40", "--set", "model.shrinkage=0.15"),
    ),
    "v6": ("--preset", "demo", "--set", "training.epochs=4", "--set", "training.warmup_epochs=0"),
}
"""Version → what scales it down."""
Clip = tuple[Video, tuple[PlannedBout, ...]]


@dataclass(frozen=True, slots=True)
class Scored:
    """One line of the table."""

    name: str
    score: float
    low: float | None
    high: float | None
    labs: Mapping[str, float]
    seconds: float
    """By the clock, since the line before."""


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as temporary:
        study = Study(options.folder or Path(temporary), options.folds, options.parallel)
        study.make(options.train_csv, options.videos, options.frames)
        study.describe()
        for line in study.scores():
            _print(line)


def _print(line: Scored) -> None:
    interval = "" if line.low is None else f"  ({line.low:.3f} to {line.high:.3f})"
    print(f"{line.name:34} {line.score:.3f}{interval}  {line.seconds:.0f} s", flush=True)
    print("  " + "  ".join(f"{lab} {score:.2f}" for lab, score in line.labs.items()), flush=True)


# ── the twin ──────────────────────────────────────────────────────────────────────────────────


def clips(train_csv: Path, videos: int, frames: int) -> dict[str, Clip]:
    """Return the most eventful stretches, id → video and its bouts in the stretch's frames."""
    training_only = ActionsDataConfig().training_only_labs
    by_lab: dict[str, list[tuple[tuple[int, int], Clip]]] = {}
    for video in read_videos(train_csv.parent, train_csv.stem):
        usable = video.behaviors and video.annotation_path.is_file()
        faulty = has_suspect_labels(video.lab_id, video.video_id)
        if not usable or faulty or video.lab_id in training_only:
            continue
        bouts = _richest(read_bouts(video), frames)
        actions = len({(bout.agent, bout.target, bout.action) for bout in bouts})
        worth = actions, sum(bout.stop - bout.start for bout in bouts)
        by_lab.setdefault(video.lab_id, []).append((worth, (video, bouts)))
    chosen: dict[str, Clip] = {}
    for found in by_lab.values():
        best = sorted(found, key=lambda each: each[0], reverse=True)[:videos]
        chosen |= {video.video_id: (video, bouts) for _, (video, bouts) in best}
    return chosen


def _richest(bouts: Bouts, frames: int) -> tuple[PlannedBout, ...]:
    """Return the bouts of the stretch with the most actions of pairs, then the most of their frames."""
    columns = (bouts.agent, bouts.target, bouts.action)
    behaviours = np.array([f"{a},{t},{action}" for a, t, action in zip(*columns, strict=True)])
    firsts = np.unique(np.maximum(bouts.start - frames // 20, 0))
    best: tuple[tuple[int, int], int] = ((-1, 0), 0)
    for first in firsts[:: max(1, len(firsts) // STARTS)].tolist():
        length = _cut(bouts.stop, first, frames) - _cut(bouts.start, first, frames)
        worth = len(set(behaviours[length > 0])), int(length.sum())
        best = max(best, (worth, first))
    first = best[1]
    start, stop = _cut(bouts.start, first, frames), _cut(bouts.stop, first, frames)
    rows = zip(*(each[stop > start].tolist() for each in (*columns, start, stop)), strict=True)
    return tuple(PlannedBout(*row) for row in rows)


def _cut(edges: npt.NDArray[np.int64], first: int, frames: int) -> npt.NDArray[np.int64]:
    return np.clip(edges - first, 0, frames)


def write_clips(train_csv: Path, chosen: Mapping[str, Clip], frames: int, root: Path) -> None:
    """Write the stretches as a data set without tracking."""
    rows = []
    for row in read_rows(train_csv, ("video_id",)):
        if (clip := chosen.get(row.values["video_id"])) is not None:
            video, bouts = clip
            length = min(video.duration_seconds, frames / video.frames_per_second)
            rows.append({**row.values, "video_duration_sec": f"{length:.4f}"})
            write_annotation(annotation_path(root, video.lab_id, video.video_id), bouts)
    write_train_csv(root / "train.csv", rows)


# ── the study ─────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Study:
    """A folder with the twin and a home of its own for runs."""

    folder: Path
    folds: int
    parallel: int
    began: float = 0.0
    """When the last :meth:`_elapsed` ended."""

    @property
    def data(self) -> Path:
        """The twin."""
        return self.folder / "twin"

    def make(self, train_csv: Path, videos: int, frames: int) -> None:
        """Choose the stretches and simulate them."""
        clipped = self.folder / "clips"
        write_clips(train_csv, clips(train_csv, videos, frames), frames, clipped)
        like(clipped / "train.csv", clipped / "train_annotation", self.data, workers=1)

    def describe(self) -> None:
        """Print what the twin has."""
        videos = read_videos(self.data)
        rates = sorted({video.frames_per_second for video in videos})
        pairs = sum(len({(b.agent, b.target) for b in video.behaviors}) for video in videos)
        bouts = [read_bouts(video) for video in videos]
        print(
            f"{len(videos)} videos of {len({v.lab_id for v in videos})} labs, {pairs} mice and pairs,"
            f" {sum(map(len, bouts)):,} bouts of"
            f" {len({action for each in bouts for action in each.action})} actions,"
            f" {sum(round(v.frames_per_second * v.duration_seconds) for v in videos):,} frames at"
            f" {', '.join(f'{rate:g}' for rate in rates)} frames/s;"
            f" {time.process_time():.0f} CPU s to choose and simulate",
            flush=True,
        )

    def scores(self) -> Iterator[Scored]:
        """Train everything, and yield each score as it comes."""
        self.began = time.monotonic()
        self._train("v8")
        yield self._score_of_run("v8, best epochs", "v8", "best")
        as_decided = self._predicted("v8", ActionsTrainingConfig().threshold)
        yield self._score_of("  the same, as a submission", as_decided)
        yield self._score_of_run("v8, last epochs", "v8", "last")
        self._train("v8-boost")
        yield self._score_of_run("v8-boost", "v8-boost", "last")
        self._mabe("run", "v8-blend")
        yield self._score_of_run("mean of v8 and v8-boost", "v8-blend", "last")
        self._train("v6")
        yield self._score_of("v6's classes as actions", self._predicted("v6", CLASSES_FROM))
        yield self._score_of("most frequent action of the pair", self._most_frequent())
        nothing = ((video, _bouts([]), _frames(video)) for video in read_videos(self.data))
        yield self._score_of("always off", nothing)

    def _train(self, version: str) -> None:
        folds = ("--folds", str(self.folds), "--parallel", str(self.parallel))
        self._mabe(
            *("run", version, "--on", "local", "--data", str(self.data)), *folds, *SMALL[version]
        )

    def _score_of_run(self, name: str, run: str, epoch: str) -> Scored:
        found: dict[str, Any] = msgspec.json.decode(
            self._mabe("score", run, "--epoch", epoch, "--json")
        )
        labs = {each["lab"]: each["score"] for each in found["labs"]}
        return Scored(name, found["score"], found["low"], found["high"], labs, self._elapsed())

    def _score_of(self, name: str, found: Iterable[tuple[Video, Bouts, int]]) -> Scored:
        path = self.folder / "submission.csv"
        write_submission(path, found)
        report = score_of_submission(path, self.data, None)
        labs = {each.lab: each.score for each in report.labs}
        return Scored(name, report.score, report.low, report.high, labs, self._elapsed())

    def _predicted(self, version: str, threshold: float) -> Iterator[tuple[Video, Bouts, int]]:
        """Yield what each fold's best checkpoint finds in the videos that it has not seen."""
        rules = Rules.constant(threshold)
        for run, held_out in self._folds(version):
            predictor = load_pair_predictor(run, "cpu")
            for video in held_out:
                found = predictor.pair_probabilities(video)
                yield video, decide(found, rules), found.frames

    def _most_frequent(self) -> Iterator[tuple[Video, Bouts, int]]:
        """Yield for every pair all the time the action that it does most in its lab's other folds."""
        videos = read_videos(self.data)
        for _, held_out in self._folds("v8"):
            unseen = {video.video_id for video in held_out}
            frames: dict[tuple[str, int, int], dict[str, int]] = {}
            for video in videos:
                if video.video_id not in unseen:
                    _count(video, frames)
            for video in held_out:
                yield video, _bouts(_all_the_time(video, frames)), _frames(video)

    def _folds(self, version: str) -> Iterator[tuple[RunDir, list[Video]]]:
        """Yield the runs of all folds, each with the videos that it was validated on."""
        videos = {video.video_id: video for video in read_videos(self.data)}
        for path in sorted((self.folder / "home" / "runs").glob(f"{version}-2*")):
            run = RunDir(path)
            units = read_counts(run.evaluation_table).units
            yield run, [videos[unit.rpartition("/")[2]] for unit in units]

    def _mabe(self, *words: str) -> bytes:
        environment = {**os.environ, "MABE_HOME": str(self.folder / "home")}
        done = subprocess.run([*MABE, *words], capture_output=True, env=environment)
        if done.returncode:
            sys.exit(f"mabe {' '.join(words)} failed:\n{done.stderr.decode()[-3000:]}")
        return done.stdout

    def _elapsed(self) -> float:
        """Return the seconds since the last call."""
        before, self.began = self.began, time.monotonic()
        return self.began - before


def _frames(video: Video) -> int:
    return round(video.frames_per_second * video.duration_seconds)


def _count(video: Video, frames: dict[tuple[str, int, int], dict[str, int]]) -> None:
    bouts = read_bouts(video)
    lengths = (bouts.stop - bouts.start).tolist()
    for agent, target, action, length in zip(
        bouts.agent.tolist(), bouts.target.tolist(), bouts.action, lengths, strict=True
    ):
        of_pair = frames.setdefault((video.lab_id, agent, target), {})
        of_pair[action] = of_pair.get(action, 0) + length


def _all_the_time(
    video: Video, frames: Mapping[tuple[str, int, int], Mapping[str, int]]
) -> Iterator[PlannedBout]:
    for agent, target in sorted({(each.agent, each.target) for each in video.behaviors}):
        if counts := frames.get((video.lab_id, agent, target)):
            yield PlannedBout(
                agent, target, max(counts, key=lambda name: counts[name]), 0, _frames(video)
            )


def _bouts(planned: Iterable[PlannedBout]) -> Bouts:
    rows = list(planned)
    return Bouts(
        agent=np.array([bout.agent for bout in rows], np.int64),
        target=np.array([bout.target for bout in rows], np.int64),
        action=np.array([bout.action for bout in rows], object),
        start=np.array([bout.start for bout in rows], np.int64),
        stop=np.array([bout.stop for bout in rows], np.int64),
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("train_csv", type=Path)
    parser.add_argument("--videos", type=int, default=4, help="of each lab")
    parser.add_argument("--frames", type=int, default=3000, help="of each video")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--parallel", type=int, default=1, help="folds at a time")
    parser.add_argument(
        "--folder", type=Path, help="a new one for data and runs, which stay; default: temporary"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
