"""A home with 1,000 runs: listed cold and warm, summarised by version, filtered while typing.

The reference reads and sums up every run each time, as a list of summaries without a catalog would. Each
figure is the median of several rounds; times are wall time, with this process's CPU time beside them.
"""

import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from core.config.registry import Registry, default_path, load
from core.run.events import Failed, Finished, Stopped
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.experiments import experiment_rows
from mabe_tui.runs.listing.row_cache import RowCache
from mabe_tui.runs.listing.table import arranged
from mabe_tui.runs.listing.view_state import SavedView
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.summary.run_summary import summary_of
from tests.mabe_tui.recorded import record

RUNS, EPOCHS, ROUNDS = 1000, 30, 9
TYPED = 'gpu == "H100" and f1 > 0.3 or version in (v5, v6) and state == finished and tag:sweep'
ENDS = ("", " b", " ba", " bad", " or note:x")
"""What one types on with."""
MOST = {"from the file": 500.0, "nothing changed": 50.0, "filter, sort": 50.0}
"""Milliseconds that are aimed at."""
Result = TypeVar("Result")


def make_runs(home: Path, registry: Registry) -> None:
    """Record runs of all versions over five seeds; one in five did not finish."""
    experiments = [registry.experiment(version) for version in registry.versions]
    for number in range(RUNS):
        curve = [0.1 + 0.01 * epoch + 0.001 * (number % 7) for epoch in range(EPOCHS)]
        record(
            home,
            experiments[number % len(experiments)],
            curve,
            seed=number // len(experiments) % 5,
            ending=(Finished, Finished, Finished, Failed, Stopped)[number % 5],
            usd_per_hour=4.0 if number % 3 else None,
            tags=("sweep",) if number % 4 == 0 else (),
        )


def timed(action: Callable[[], Result]) -> tuple[float, float, Result]:
    """Run once; give milliseconds, milliseconds of CPU, and the result."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = action()
    return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3, result


def median_of(name: str, action: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Print the medians, and give that of the wall time."""
    times = [timed(action)[:2] for _ in range(rounds)]
    wall = statistics.median(wall for wall, _ in times)
    cpu = statistics.median(cpu for _, cpu in times)
    aim = f"  (at most {MOST[name]:.0f})" if name in MOST else ""
    print(f"  {name:<24} {wall:8.1f} ms, CPU {cpu:8.1f} ms{aim}")
    return wall


def main() -> None:
    """Print the figures."""
    registry = load(default_path())
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        make_runs(home, registry)
        store = RunStore(home)
        print(f"{RUNS:,} runs of {EPOCHS} epochs, all over:")
        naive = median_of(
            "reference: each summed up", lambda: [*map(summary_of, store.entries())], 3
        )
        median_of("without the file", Catalog(store).records, 1)
        cold = median_of("from the file", lambda: Catalog(store).records())
        catalog = Catalog(store)
        records = catalog.records()
        warm = median_of("nothing changed", catalog.records)
        median_of("experiments", lambda: experiment_rows(registry, records, "v5"))
        cache = RowCache()
        arranged(records, SavedView(), cache=cache)
        typed = itertools.cycle(SavedView(query=TYPED + end, sort="smoothed.f1") for end in ENDS)
        median_of("filter, sort", lambda: arranged(records, next(typed), cache=cache))
        median_of("the same, rows made anew", lambda: arranged(records, next(typed)))
        print(
            f"  ratio to the reference: {naive / cold:.0f} from the file, {naive / warm:.0f} unchanged"
        )


if __name__ == "__main__":
    main()
