"""A full-size rehearsal: how each step's speed and memory grow with the number of videos.

    python tests/bench/study_rehearsal.py TRAIN_CSV [--videos 25 50 100] [--set model.name=tcn]

TRAIN_CSV is a real train.csv with train_annotation/ beside it. For each size: `mabe data synth --like`
writes twins of that many of its labelled videos, `prepare` turns them into arrays, and one epoch of v6 is
trained on them. Memory is what a process itself holds (RssAnon), the largest sum over it and its workers; the
pages of mapped files, which the system takes back when it wants, are not in it. Reference: the smallest size.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from core.config.registry import default_path, load
from core.data.competition import read_videos
from core.data.prepared import open_prepared
from core.run.rundir import RunDir
from mabe_tui.runs.launching.run_requests import new_request

POLL_SECONDS = 0.05
MABE = [sys.executable, "-c", "from mabe_tui.cli.main import run; run()"]
ONE_EPOCH = (
    "training.epochs=1",
    "training.warmup_epochs=0",
    "data.stride=100",
    "training.batch_size=64",
)


@dataclass
class Measured:
    seconds: float
    mebibytes: float
    """Largest sum of RssAnon over the process and its workers."""
    largest_process: float


def main() -> None:
    options = _options()
    first: dict[str, float] = {}
    for videos in options.videos:
        with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
            _rehearse(Path(scratch), videos, options, first)


def _rehearse(
    scratch: Path, videos: int, options: argparse.Namespace, first: dict[str, float]
) -> None:
    data, home = scratch / "data", scratch / "home"
    environment = {**os.environ, "MABE_HOME": str(home)}
    synth = ["data", "synth", str(data), "--like", str(options.train_csv), "--videos", str(videos)]
    steps = {"synth --like": measured([*MABE, *synth], environment)}
    steps["prepare"] = measured([*MABE, "data", "prepare", str(data)], environment)
    prepared = open_prepared(next(path.parent for path in home.glob("cache/*/manifest.json")))
    frames = sum(video.frames for video in prepared.videos)
    run = _request(home, data, options.set)
    steps["one epoch"] = measured([sys.executable, "-m", "core.job", str(run.path)], environment)
    speeds = {name: frames / step.seconds for name, step in steps.items()}
    speeds["one epoch"] = run.history().epochs[0].frames_per_second
    print(f"{len(read_videos(data))} videos, {frames:,} frames", flush=True)
    for name, step in steps.items():
        growth = step.mebibytes / first.setdefault(name, step.mebibytes)
        print(
            f"  {name:<13} {speeds[name]:>10,.0f} frames/s  {step.seconds:7.1f} s"
            f"  {step.mebibytes:6,.0f} MiB in all, {step.largest_process:6,.0f} the largest process"
            f"  {growth:.2f} × the smallest size",
            flush=True,
        )


def _request(home: Path, data: Path, overrides: list[str]) -> RunDir:
    experiment = load(default_path()).experiment("v6", [*ONE_EPOCH, *overrides])
    request = new_request(experiment, "local", overrides=overrides, data=data)
    run = RunDir(home / "runs" / request.run)
    run.write_request(request)
    return run


def measured(command: list[str], environment: dict[str, str]) -> Measured:
    """Run a command to its end and watch the memory of it and its workers."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as log:
        process = psutil.Popen(command, env=environment, stdout=log, stderr=log)
        total = largest = 0.0
        while process.poll() is None:
            sizes = [anonymous_mebibytes(each) for each in [process, *_children(process)]]
            total, largest = max(total, sum(sizes)), max(largest, *sizes)
            time.sleep(POLL_SECONDS)
        if process.returncode:
            log.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{log.read().decode()}")
    return Measured(time.monotonic() - began, total, largest)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def anonymous_mebibytes(process: psutil.Process) -> float:
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return 0.0
    lines = [line for line in status.splitlines() if line.startswith("RssAnon")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("train_csv", type=Path)
    parser.add_argument("--videos", type=int, nargs="+", default=[25, 50, 100])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--scratch", type=Path, default=None, help="A folder with room for the data."
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
