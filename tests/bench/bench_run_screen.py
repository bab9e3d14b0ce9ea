"""The run screen: a refresh with long curves, a fast-growing log, a log of a million lines, idling.

CPU milliseconds of this process, screen and thread and all, without a terminal (Textual's headless
driver). A refresh is one more ``step`` event shown in four curves. Beside it, a chart of the same size
and numbers by textual-plot and textual-plotext, which are not dependencies:

    pip install --no-deps --target FOLDER textual-plot textual-hires-canvas textual-plotext 'plotext<6'
    PYTHONPATH=FOLDER python tests/bench/bench_run_screen.py [SECONDS]

SECONDS is how long the log is followed (60).
"""

import asyncio
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from textual.app import App, ComposeResult
from textual.widget import Widget

from core.run.records import Handle
from core.run.rundir import RunDir
from mabe_tui.launch import process
from mabe_tui.plotting.chart import render_chart
from mabe_tui.plotting.series import Series
from mabe_tui.runs.session import Session
from mabe_tui.tui.app import MabeApp
from mabe_tui.tui.garbage import look_seldom_for_garbage
from mabe_tui.tui.screens.run.screen import RunScreen
from mabe_tui.tui.widgets.chart import ChartView
from tests.bench.bench_charts import fresh_series
from tests.bench.bench_logs import ATTEMPT, run_in, step_line

SIZE, CHART = (200, 50), (140, 40)
POINTS, MOST_MILLISECONDS = (10_000, 100_000), (15.0, 25.0)
REFRESHES, PAUSE = 20, 0.25
LINES, LINES_A_SECOND = 1_000_000, 5_000
MOST_FIRST_PAINT, MOST_IDLE = 0.5, 1.0
IDLE_SECONDS = 20.0
QUIET = "about 5 ms"
WRITER = """
import sys, time
path, rate, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
begin, number = time.monotonic(), 0
with open(path, "ab", buffering=0) as file:
    while (passed := time.monotonic() - begin) < seconds:
        due = int(passed * rate)
        file.write(b"".join(b"worker 3: batch %d, 64 windows in 0.0123 s\\n" % n for n in range(number, due)))
        number = due
        time.sleep(0.02)
"""


def cpu() -> float:
    """CPU seconds of this process so far."""
    return time.process_time()


async def reached(condition: Callable[[], object], pause: float = 0.005) -> None:
    """Wait for a condition."""
    while not condition():
        await asyncio.sleep(pause)


def alive_run(home: Path, steps: int) -> RunDir:
    """A run with so many steps that lives as long as this process."""
    (home / "runs").mkdir(parents=True)
    run = run_in(home / "runs")
    lines = b"".join(step_line(seq) for seq in range(1, steps + 1))
    run.events_path(ATTEMPT).write_bytes(lines)
    run.log_path(ATTEMPT).write_bytes(lines[-1_000_000:].partition(b"\n")[2])
    me = process.reference_to(os.getpid())
    reference: dict[str, str | int | float] = {"pid": os.getpid(), "create_time": me.create_time}
    run.write_handle(Handle(launcher="local", attempt=ATTEMPT, reference=reference))
    return run


async def opened(app: MabeApp, run: RunDir) -> RunScreen:
    """Open the screen and wait until it shows the charts and the log."""
    screen = RunScreen(run.id)
    await app.push_screen(screen)
    await reached(lambda: screen.look is not None and bool(screen.look.charts))
    await reached(lambda: bool(screen.log_panel.view.lines_here))
    return screen


async def bench_refresh(home: Path, steps: int) -> float:
    """CPU milliseconds of one more step, shown in four curves of so many points, above idling."""
    run = alive_run(home, steps)
    app = MabeApp(Session())
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(app, run)
        chart = screen.query_one("#chart-gradient_norm", ChartView)
        await reached(lambda: screen.look is not None and screen.look.log.complete)
        await pilot.pause()
        start = cpu()
        await asyncio.sleep(REFRESHES * PAUSE)
        idle = cpu() - start
        start, begun = cpu(), time.perf_counter()
        with run.events_path(ATTEMPT).open("ab") as file:
            for wanted in range(steps + 1, steps + 1 + REFRESHES):
                file.write(step_line(wanted))
                file.flush()
                await reached(lambda n=wanted: len(chart.series[0].points[0]) == n, PAUSE)  # type: ignore[misc]
        share = (time.perf_counter() - begun) / (REFRESHES * PAUSE)
        return (cpu() - start - idle * share) / REFRESHES * 1e3


# ── one chart, beside other libraries' ────────────────────────────────────────────────────────


class OneWidget(App[None]):
    """A widget by itself, as large as a chart."""

    CSS = f"Screen > * {{ width: {CHART[0]}; height: {CHART[1]}; }}"

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self._widget = widget

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield self._widget


Numbers = Sequence[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]


def numbers(points: int) -> Numbers:
    """Four noisy walks."""
    rng = np.random.default_rng(0)
    x = np.arange(points, dtype=float)
    return [(x, rng.normal(size=points).cumsum() / 300 + rng.normal(size=points)) for _ in range(4)]


def ours(curves: Numbers) -> tuple[Widget, Callable[[], object]]:
    """Ours, with series that are new each time."""
    chart = ChartView()
    return chart, lambda: chart.show([Series(f"s{n}", x, y) for n, (x, y) in enumerate(curves)])


def textual_plot(curves: Numbers) -> tuple[Widget, Callable[[], object]]:
    """That of textual-plot, in braille."""
    from textual_plot import HiResMode, PlotWidget

    plot = PlotWidget()

    def show() -> None:
        plot.clear()
        for x, y in curves:
            plot.plot(x, y, hires_mode=HiResMode.BRAILLE)

    return plot, show


def textual_plotext(curves: Numbers) -> tuple[Widget, Callable[[], object]]:
    """That of textual-plotext, in braille."""
    from textual_plotext import PlotextPlot

    plot = PlotextPlot()

    def show() -> None:
        plot.plt.clear_data()
        for x, y in curves:
            plot.plt.plot(x.tolist(), y.tolist(), marker="braille")
        plot.refresh()

    return plot, show


async def chart_milliseconds(
    make: Callable[[Numbers], tuple[Widget, Callable[[], object]]], points: int
) -> float:
    """CPU milliseconds until four new curves are on the screen."""
    widget, show = make(numbers(points))
    rounds = 5
    async with OneWidget(widget).run_test(size=SIZE) as pilot:
        show()
        await pilot.pause()
        start = cpu()
        for _ in range(rounds):
            show()
            await pilot.pause()
        return (cpu() - start) / rounds * 1e3


def calibrate() -> None:
    """Say how fast this machine is just now: other work on it can cost a factor of three."""
    series = fresh_series()
    seconds = []
    for _ in range(7):
        copies = [Series(one.name, one.x, one.y, one.style) for one in series]
        start = cpu()
        render_chart(copies, 160, 40)
        seconds.append(cpu() - start)
    median = statistics.median(seconds) * 1e3
    print(
        f"calibration: bench_charts' chart afresh {median:.1f} ms CPU ({QUIET} on a quiet machine)"
    )


async def bench_chart() -> None:
    """One chart, by three libraries."""
    for points in POINTS:
        found = [f"ours {await chart_milliseconds(ours, points):.1f} ms"]
        for make in (textual_plot, textual_plotext):
            try:
                found.append(f"{make.__name__} {await chart_milliseconds(make, points):.1f} ms")
            except ImportError:
                found.append(f"{make.__name__} is not installed (see the top of this file)")
        print(f"one chart of {CHART[0]} × {CHART[1]}, 4 series of {points:,}: {', '.join(found)}")


# ── log and idling ────────────────────────────────────────────────────────────────────────────


async def bench_long_log(home: Path) -> None:
    """Open a log of a million lines, and go to its beginning."""
    run = alive_run(home, 100)
    with run.log_path(ATTEMPT).open("ab") as file:
        file.writelines(b"worker 3: batch %d of 4096, 64 windows\n" % n for n in range(LINES))
    app, me = MabeApp(Session()), psutil.Process()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        memory, start = me.memory_info().rss, cpu()
        screen = await opened(app, run)
        await pilot.pause()
        first = cpu() - start
        await reached(lambda: screen.look is not None and screen.look.log.complete)
        whole = cpu() - start
        view = screen.log_panel.view
        await pilot.press("6", "home")
        await reached(lambda: view.bounds.first in view.lines_here)
        held = (me.memory_info().rss - memory) / 2**20
    print(
        f"log of {LINES:,} lines: first paint {first:.2f} s CPU (at most {MOST_FIRST_PAINT}),",
        end="",
    )
    print(f" all indexed {whole:.2f} s, {held:.0f} MiB more memory, screen and charts included")


async def bench_following(home: Path, seconds: float) -> None:
    """Follow a log to which lines come fast."""
    run = alive_run(home, 100)
    app, me = MabeApp(Session()), psutil.Process()
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(app, run)
        await pilot.press("6")
        view, path = screen.log_panel.view, str(run.log_path(ATTEMPT))
        before, memory, start = view.bounds.stop, me.memory_info().rss, cpu()
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, path, str(LINES_A_SECOND), str(seconds)]
        )
        worst = 0.0
        while writer.poll() is None:
            asked = time.perf_counter()
            await asyncio.sleep(0.1)
            worst = max(worst, time.perf_counter() - asked - 0.1)
        spent, wanted = cpu() - start, run.log_path(ATTEMPT).read_bytes().count(b"\n")
        await reached(lambda: view.bounds.stop - view.bounds.first == wanted)
        held, lines = (me.memory_info().rss - memory) / 2**20, view.bounds.stop - before
    print(
        f"log followed, {lines / seconds:,.0f} lines/s for {seconds:.0f} s: {spent / seconds:.1%} CPU,",
        end="",
    )
    print(f" the screen never waited more than {worst * 1e3:.0f} ms, {held:.0f} MiB more memory")


async def bench_idle(home: Path) -> None:
    """Have the screen of an ended run open."""
    run = alive_run(home, POINTS[0])
    (run.path / "handle.toml").unlink()  # nobody lives who could go on
    app = MabeApp(Session())
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(app, run)
        await reached(lambda: screen.look is not None and screen.look.log.complete)
        await pilot.pause()
        start = cpu()
        await asyncio.sleep(IDLE_SECONDS)
        share = (cpu() - start) / IDLE_SECONDS
    print(
        f"an ended run open for {IDLE_SECONDS:.0f} s: {share:.2%} CPU (at most {MOST_IDLE:.0f} %)"
    )


async def main() -> None:
    """Print the figures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    look_seldom_for_garbage()  # as the command does
    calibrate()
    await bench_chart()
    with tempfile.TemporaryDirectory() as folder:
        homes = (Path(folder) / str(number) for number in itertools.count())

        def home() -> Path:
            chosen = next(homes)
            os.environ["MABE_HOME"] = os.environ["MABE_STATE"] = str(chosen)
            return chosen

        for points, most in zip(POINTS, MOST_MILLISECONDS, strict=True):
            spent = await bench_refresh(home(), points)
            print(
                f"run screen, 4 series of {points:,}: {spent:.1f} ms a refresh (at most {most:.0f})"
            )
        await bench_long_log(home())
        await bench_following(home(), seconds)
        await bench_idle(home())
    calibrate()


if __name__ == "__main__":
    asyncio.run(main())
