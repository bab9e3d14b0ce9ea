"""Opening, searching and following a log of a million lines, and updating a run of 100,000 steps.

References, on the same files: ``readlines()`` into a list for the log, ``json.loads`` of every line for
the events. CPU seconds of this process throughout; memory is what Python and numpy hold (tracemalloc).
"""

import datetime as dt
import json
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

from core.run.events import Identity, Step, encode
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.curves.panels import RunNumbers, panels
from mabe_tui.runs.following.live import LiveRun
from mabe_tui.runs.following.run_log import RunLog, search_pattern

LINES, LINES_AN_EVENT = 1_000_000, 100
SHOWN = 50
POLLS, LINES_A_POLL, POLLS_A_SECOND = 300, 1_000, 5
EVENTS, EVENTS_A_POLL = 100_000, 1_000
MOST_FIRST_PAINT = 0.5
ATTEMPT = "0001-aaaa"
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
WORDS = b"worker 3: batch %d of 4096, 64 windows in 0.0123 s, from the cache\n"
Result = TypeVar("Result")


def step_line(seq: int) -> bytes:
    """One sign of life."""
    return encode(
        Step(
            attempt=ATTEMPT, seq=seq, time=START + dt.timedelta(seconds=seq), step=seq,
            epoch=1 + seq // 1000, epoch_step=seq % 1000, epoch_steps=1000, loss=1 / seq,
            learning_rate=1e-3, gradient_norm=1.0, frames_per_second=1e5,
        )
    ) + b"\n"  # fmt: skip


def timed(action: Callable[[], Result]) -> tuple[Result, float]:
    """Return what it returns, and its CPU seconds."""
    start = time.process_time()
    result = action()
    return result, time.process_time() - start


def held(action: Callable[[], object]) -> float:
    """MiB that are held after an action, by its result."""
    tracemalloc.start()
    kept = action()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del kept
    return size / 2**20


def run_in(folder: Path) -> RunDir:
    """An empty run of one attempt."""
    run = RunDir(folder / "v1-20260101T000000-abcd")
    run.write_request(
        RunRequest(
            run=run.id,
            created=START,
            launcher="local",
            seed=1,
            experiment=BehaviourExperiment(name="v1"),
        )
    )
    run.attempt_folder(ATTEMPT).mkdir(parents=True)
    return run


def opened(run: RunDir) -> RunLog:
    """The log with its last lines read, as a screen shows them first."""
    log = RunLog(run)
    log.lines(log.stop - SHOWN, SHOWN)
    return log


def indexed(run: RunDir) -> RunLog:
    """The log with all its lines known."""
    log = RunLog(run)
    while log.extend():
        pass
    return log


def read_lines(run: RunDir) -> list[bytes]:
    """What the log is held against."""
    with run.log_path(ATTEMPT).open("rb") as file:
        return file.readlines()


def bench_opening(run: RunDir) -> None:
    """Open, index, find and search a million lines."""
    with run.log_path(ATTEMPT).open("wb") as file:
        for number in range(1, LINES + 1):
            event = number % LINES_AN_EVENT == 0
            file.write(step_line(number // LINES_AN_EVENT) if event else WORDS % number)
    size = run.log_path(ATTEMPT).stat().st_size / 2**20
    _, reference = timed(lambda: read_lines(run))
    _, first = timed(lambda: opened(run))
    log, whole = timed(lambda: indexed(run))
    print(
        f"a log of {LINES:,} lines, {size:.0f} MiB; readlines takes {reference * 1e3:.0f} ms CPU:"
    )
    print(f"  first paint {first * 1e3:.1f} ms (at most {MOST_FIRST_PAINT * 1e3:.0f})")
    print(f"  all lines indexed {whole * 1e3:.0f} ms, ratio {reference / whole:.1f}")
    memory, reference_memory = held(lambda: indexed(run)), held(lambda: read_lines(run))
    print(f"  memory {memory:.1f} MiB, {memory * 2**20 / LINES:.1f} bytes a line;", end=" ")
    print(f"readlines {reference_memory:.0f} MiB, ratio {reference_memory / memory:.0f}")
    _, jump = timed(lambda: log.line_of(Identity(ATTEMPT, LINES // LINES_AN_EVENT // 3)))
    absent = search_pattern("nowhere to be found")
    _, search = timed(lambda: [*log.search(absent, log.first)])
    print(f"  from an event to its line {jump * 1e3:.2f} ms; a search of all {search:.2f} s")


def bench_following(run: RunDir) -> None:
    """Follow a log to which 5,000 lines come a second, looking five times a second."""
    path = run.log_path(ATTEMPT)
    path.write_bytes(b"")
    log, spent, number = RunLog(run), 0.0, 0
    for _ in range(POLLS):
        with path.open("ab") as file:
            file.writelines(WORDS % (number + line) for line in range(LINES_A_POLL))
        number += LINES_A_POLL
        start = time.process_time()
        log.poll()
        log.lines(log.stop - SHOWN, SHOWN)
        spent += time.process_time() - start
    rate, seconds = LINES_A_POLL * POLLS_A_SECOND, POLLS / POLLS_A_SECOND
    print(
        f"{rate:,} lines a second followed for {seconds:.0f} s, {SHOWN} shown at each of {POLLS} looks:"
    )
    print(f"  {spent:.2f} s CPU, {100 * spent / seconds:.2f} % of one core")


def bench_live(run: RunDir) -> None:
    """Keep a run up to date while its steps come; then draw its curves afresh."""
    path = run.events_path(ATTEMPT)
    path.write_bytes(b"")
    launcher: Any = SimpleNamespace(state=lambda _: RunState.RUNNING)
    live, spent, reference = LiveRun(run, launcher), 0.0, 0.0
    for first in range(1, EVENTS, EVENTS_A_POLL):
        lines = [step_line(seq) for seq in range(first, first + EVENTS_A_POLL)]
        with path.open("ab") as file:
            file.writelines(lines)
        now = START + dt.timedelta(seconds=first)
        _, seconds = timed(lambda now=now: (live.poll(now), live.summary(now)))  # type: ignore[misc]
        spent += seconds
        _, seconds = timed(lambda lines=lines: [json.loads(line) for line in lines])  # type: ignore[misc]
        reference += seconds
    print(f"{EVENTS:,} step events in {EVENTS // EVENTS_A_POLL} looks, summed up at each:")
    print(f"  {spent / EVENTS * 1e6:.2f} µs an event; json.loads {reference / EVENTS * 1e6:.2f} µs")
    _, one = timed(lambda: (live.poll(now), live.summary(now)))
    print(f"  a look that finds nothing new {one * 1e3:.2f} ms")
    numbers = RunNumbers.of(live, "v1")
    names = ["train_loss", "gradient_norm", "learning_rate", "frames_per_second"]
    _, drawn = timed(lambda: [p.chart(140, 20) for p in panels([numbers], names, smooth=0.9)])
    print(f"  four curves of {EVENTS:,} points made, smoothed and drawn: {drawn * 1e3:.0f} ms")


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        run = run_in(Path(folder))
        bench_opening(run)
        bench_following(run)
        bench_live(run)


if __name__ == "__main__":
    main()
