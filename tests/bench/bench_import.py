"""Import speed: our reader of DeepLabCut's table against pandas reading the same file.

``python -m tests.bench.bench_import [FILE.csv]`` prints the seconds of each, on the processor and
elapsed, and the memory at its highest for one video and for several. Without a file, one of 100,000
frames of two mice with seven parts is made.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from core.data.importers.formats import look_at
from core.data.importers.importing import import_videos
from core.data.importers.mapping import Mapping
from core.data.importers.suggestion import completed

REPEATS = 5
FRAMES, MICE, PARTS = 100_000, 2, 7
VIDEOS = 4


def made(path: Path, frames: int = FRAMES) -> Path:
    """Write a table of random walks as DeepLabCut does."""
    rng = np.random.default_rng(0)
    columns = [
        (m, p, c) for m in range(MICE) for p in range(PARTS) for c in ("x", "y", "likelihood")
    ]
    values = rng.normal(0, 1, (frames, len(columns))).cumsum(axis=0) + 500
    values[:, 2::3] = rng.random((frames, MICE * PARTS))
    frame = pd.DataFrame(values.round(4))
    names = [("net", f"mouse{m}", f"part{p}", c) for m, p, c in columns]
    levels = ["scorer", "individuals", "bodyparts", "coords"]
    frame.columns = pd.MultiIndex.from_tuples(names, names=levels)
    frame.to_csv(path)
    return path


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return the least processor time and the least elapsed time of some calls."""
    processor, elapsed = [], []
    for _ in range(REPEATS):
        began = time.process_time(), time.perf_counter()
        work()
        processor.append(time.process_time() - began[0])
        elapsed.append(time.perf_counter() - began[1])
    return min(processor), min(elapsed)


def peak_mib() -> float:
    """Return the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(sys.argv[1]) if len(sys.argv) > 1 else made(Path(folder, "film.csv"))
        print(f"{path.name}: {path.stat().st_size / 2**20:.1f} MiB")
        films = [Path(folder, f"film{number}.csv") for number in range(VIDEOS)]
        for film in films:
            film.write_bytes(path.read_bytes())
        for count in (1, VIDEOS):
            found = look_at(films[:count])
            mapping = completed(Mapping(fps=30), found).mapping
            began = time.perf_counter()
            import_videos(found, mapping, Path(folder, f"out{count}"))
            took = time.perf_counter() - began
            print(f"importing {count}: {took:.2f} s, memory at its highest {peak_mib():.0f} MiB")
        levels = 4 if "individuals" in path.open().read(100_000) else 3
        for name, work in (
            ("ours", lambda: look_at([path]).recordings[0].load()),
            ("pandas", lambda: pd.read_csv(path, header=list(range(levels)), index_col=0)),
        ):
            processor, elapsed = seconds(work)
            print(f"reading by {name}: {processor:.3f} s on the processor, {elapsed:.3f} s elapsed")


if __name__ == "__main__":
    main()
