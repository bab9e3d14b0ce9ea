"""The home screen over 1,000 finished runs: opening, filtering while typing, idling.

Screens are drawn by Textual's headless driver at 140 × 45. A key's figure is CPU time of the whole process
until nothing is left to do, the pilot's own included. The reference is Textual's DataTable given the same
cells: filled once, and cleared and filled again as a filter on every key press would.
"""

import asyncio
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import DataTable

from core.config.registry import default_path, load
from mabe_tui.runs.listing.catalog import FILE
from mabe_tui.runs.session import Session
from mabe_tui.tui.app import MabeApp
from mabe_tui.tui.garbage import look_seldom_for_garbage
from mabe_tui.tui.widgets.table import RowTable
from tests.bench.bench_store import RUNS, make_runs

SIZE = (140, 45)
TYPED = "gpu==H100 and f1>0.3 or version in (v5, v6)"
IDLE_SECONDS = 30.0
MOST = {"open": 500.0, "key": 50.0, "idle": 1.0}
"""Milliseconds of wall time, of CPU time, per cent of a core."""


def import_milliseconds() -> float:
    """Say how long an interpreter takes to import the dashboard, beyond starting."""
    times = [_start_seconds(code) for code in ("pass", "import mabe_tui.tui.app")]
    return (times[1] - times[0]) * 1e3


def _start_seconds(code: str) -> float:
    rounds = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        rounds.append(time.perf_counter() - began)
    return statistics.median(rounds)


async def open_home(rows: int = RUNS) -> tuple[float, float]:
    """Return milliseconds of wall and CPU time until so many runs, at least, are drawn."""
    gc.collect()  # what the opening before left: in life each is a process of its own
    wall, cpu = time.perf_counter(), time.process_time()
    app = MabeApp(Session())
    async with app.run_test(size=SIZE) as pilot:
        await _shown(pilot, rows)
        return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3


async def _shown(pilot: Pilot[None], rows: int = RUNS) -> None:
    while len(pilot.app.screen.query_one("#runs", RowTable).rows) < rows:
        await asyncio.sleep(0.002)
    await pilot.pause()


async def forget_and_open(session: Session) -> float:
    """Take away what is remembered of the runs; give milliseconds until the first rows are drawn."""
    (session.cache / FILE).unlink()
    began, _ = await open_home(rows=SIZE[1])
    return began


async def type_and_wait() -> tuple[list[float], float, float]:
    """Return CPU milliseconds of each key, per cent of a core while idle, and MiB of memory."""
    gc.collect()  # as above: the dashboards opened before are garbage that no person would have
    app = MabeApp(Session())
    async with app.run_test(size=SIZE) as pilot:
        await _shown(pilot)
        await pilot.press("slash")
        keys = [await _key(pilot, key) for key in TYPED]
        await pilot.press("enter", "escape")
        await _shown(pilot)
        cpu = time.process_time()
        await asyncio.sleep(IDLE_SECONDS)
        idle = (time.process_time() - cpu) / IDLE_SECONDS * 100
        return keys, idle, psutil.Process().memory_info().rss / 2**20


async def _key(pilot: Pilot[None], key: str) -> float:
    cpu = time.process_time()
    await pilot.press(key)
    return (time.process_time() - cpu) * 1e3


class Reference(App[None]):
    """The same cells in Textual's own table."""

    def compose(self) -> ComposeResult:
        """Lay out the table."""
        yield DataTable()


async def reference(columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> list[float]:
    """Return CPU milliseconds of filling the table, and of filling it again as often as keys are typed."""
    app = Reference()
    async with app.run_test(size=SIZE) as pilot:
        table: DataTable[str] = app.query_one(DataTable)
        table.add_columns(*columns)
        times = []
        for _ in range(5):
            cpu = time.process_time()
            table.clear()
            table.add_rows(rows)
            await pilot.pause()
            times.append((time.process_time() - cpu) * 1e3)
        return times


async def _cells() -> tuple[list[str], list[tuple[str, ...]]]:
    app = MabeApp(Session())
    async with app.run_test(size=SIZE) as pilot:
        await _shown(pilot)
        table = app.screen.query_one("#runs", RowTable)
        return [c.label for c in table.columns], [row.cells for row in table.rows]


def _say(what: str, figure: float, unit: str, aim: float | None = None) -> None:
    print(f"  {what:<44} {figure:8.1f} {unit}" + (f"  (at most {aim:.0f})" if aim else ""))


def main() -> None:
    """Print the figures."""
    print(f"{RUNS:,} runs, {SIZE[0]} × {SIZE[1]}:")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        os.environ |= {"MABE_HOME": str(home), "MABE_STATE": f"{folder}/state"}
        os.environ["MABE_REGISTRY"] = str(default_path())
        make_runs(home, load(default_path()))
        _measure()


def _measure() -> None:
    look_seldom_for_garbage()  # as the command does
    session = Session()
    MabeApp(session).view_state.keep("home", all=True)
    _say("import of textual and the dashboard", import_milliseconds(), "ms")
    first, _ = asyncio.run(open_home())
    _say("opened, every run read anew", first, "ms")
    _say("  … its first screenful", asyncio.run(forget_and_open(session)), "ms")
    asyncio.run(open_home())
    opened = [asyncio.run(open_home()) for _ in range(5)]
    _say("opened", statistics.median(wall for wall, _ in opened), "ms", MOST["open"])
    _say("  … CPU", statistics.median(cpu for _, cpu in opened), "ms")
    keys, idle, memory = asyncio.run(type_and_wait())
    _say("a key of the filter, median, CPU", statistics.median(keys), "ms", MOST["key"])
    _say("  … slowest", max(keys), "ms")
    _say(f"idle for {IDLE_SECONDS:.0f} s, of a core", idle, "% ", MOST["idle"])
    _say("memory (RSS)", memory, "MiB")
    columns, rows = asyncio.run(_cells())
    filled = asyncio.run(reference(columns, rows))
    _say("reference: DataTable filled, CPU", filled[0], "ms")
    _say("  … filled again", statistics.median(filled[1:]), "ms")


if __name__ == "__main__":
    main()
