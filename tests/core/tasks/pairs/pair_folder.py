"""Files of pairs with random images."""

from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, Any]


def arrays(count: int = 6, seed: int = 0, kind: str = "uint8") -> Arrays:
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (2, count, 12, 10)).astype(kind)
    return {"left": images[0], "right": images[1], "y": np.arange(count) % 2}


def folder(path: Path, train: Arrays | None = None, val: Arrays | None = None) -> Path:
    path.mkdir(exist_ok=True)
    np.savez(path / "train.npz", **(train or arrays()))
    if val is not None:
        np.savez(path / "val.npz", **val)
    return path
