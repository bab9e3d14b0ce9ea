"""Long-form tracking → dense array: ours against pandas ``pivot_table`` and against bare decoding.

Run with ``python -m tests.bench.bench_parquet``. The file is made here: 18,000 frames × 4 mice × 18
keypoints, 3 % of the points missing. All three are timed in turn within the same rounds, so that a
busy machine slows all of them; medians are compared.

- naive: ``pivot_table``, then every frame, mouse and body part in its place. Without that last step
  it loses frames, and with it too it averages duplicates; the file here has none.
- decode: pyarrow reading the same five columns, body parts dictionary-coded, and nothing else.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.data.keypoints import SLOTS_18
from core.data.tracking import COLUMNS, read_positions

FRAMES, MICE = 18_000, 4
MISSING = 0.03


def write_video(path: Path) -> None:
    """Write walking points in the order of the competition's files: frame, mouse, body part."""
    rng = np.random.default_rng(0)
    shape = (FRAMES, MICE, len(SLOTS_18))
    tracked = rng.random(shape) >= MISSING
    frame, mouse, part = np.nonzero(tracked)
    x, y = (500 + rng.normal(size=(2, *shape)).cumsum(axis=1, dtype=np.float32))[:, tracked]
    names = pa.array(sorted(SLOTS_18))
    table = {
        "video_frame": frame.astype(np.int32),
        "mouse_id": (mouse + 1).astype(np.int8),
        "bodypart": names.take(pa.array(part)),
        "x": x.astype(np.float32),
        "y": y.astype(np.float32),
    }
    pq.write_table(pa.table(table), path)


def naive(path: Path) -> np.ndarray:
    """Pivot the rows to (frames, xy × mouse × body part), then to (frames, mice, keypoints, 2)."""
    table = pd.read_parquet(path)
    wide = table.pivot_table(index="video_frame", columns=["mouse_id", "bodypart"])
    columns = pd.MultiIndex.from_product([["x", "y"], range(1, MICE + 1), SLOTS_18])
    every = wide.reindex(index=range(FRAMES), columns=columns).to_numpy(np.float32)
    return every.reshape(FRAMES, 2, MICE, len(SLOTS_18)).transpose(0, 2, 3, 1)


def decode(path: Path) -> pa.Table:
    """Read the five columns, and leave it at that."""
    return pq.read_table(path, columns=list(COLUMNS), read_dictionary=["bodypart"])


def ours(path: Path) -> np.ndarray:
    """Read the file into (frames, mice, keypoints, 2)."""
    return read_positions(path, SLOTS_18, MICE).positions


def medians(path: Path, rounds: int) -> dict[str, float]:
    """Time all contenders in turn; give the median seconds of each."""
    contenders: tuple[Callable[[Path], object], ...] = (naive, decode, ours)
    seconds: dict[str, list[float]] = {contender.__name__: [] for contender in contenders}
    for number in range(rounds):
        for contender in contenders:
            # pivoting takes as long as fifty of the others
            if contender is naive and number % 5:
                continue
            start = time.perf_counter()
            contender(path)
            seconds[contender.__name__].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def main() -> None:
    """Print the medians and the two ratios beside their targets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.parquet"
        write_video(path)
        np.testing.assert_array_equal(ours(path), naive(path))
        found = medians(path, rounds)
    for name, seconds in found.items():
        print(f"{name:8} {seconds * 1000:8.1f} ms")
    print(f"{found['naive'] / found['ours']:.1f}× as fast as pivot_table (target ≥ 15)")
    print(f"{found['ours'] / found['decode']:.2f}× the time of decoding alone (target ≤ 2)")


if __name__ == "__main__":
    main()
