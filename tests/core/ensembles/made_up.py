"""Runs that look trained and have kept made-up predictions, without any training."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from core.config.decode import experiment_from
from core.run.records import Pointer
from core.run.request import Resolved, RunRequest
from core.run.rundir import RunDir

CLASSES = ("other", "social", "mating")
FRAMES = 60
Truths = Mapping[str, NDArray[np.int64]]
"""Unit → the class of each frame."""
Train = Callable[..., RunDir]
"""The fixture ``train``: seed and changed settings → a run."""
Speak = Callable[[str, NDArray[np.int64]], NDArray[np.float64]]
"""Unit and truth → probabilities ``(frames, classes)``."""


def truths(units: int, seed: int = 0) -> Truths:
    """Return a class for each frame of some units."""
    rng = np.random.default_rng(seed)
    return {f"v{n:02d}": rng.choice(3, FRAMES, p=(0.6, 0.3, 0.1)) for n in range(units)}


def noisy(noise: float, seed: int) -> Speak:
    """Return a member that knows the class with errors of its own."""
    rng = np.random.default_rng(seed)

    def speak(unit: str, truth: NDArray[np.int64]) -> NDArray[np.float64]:
        del unit
        scores = 2 * np.eye(3)[truth] + noise * rng.normal(size=(len(truth), 3))
        found: NDArray[np.float64] = np.exp(scores)
        return found / found.sum(axis=1, keepdims=True)

    return speak


def made_up_run(
    folder: Path,
    number: int,
    truth: Truths,
    speak: Speak,
    version: str = "tiny",
    seed: int = 1,
    fold: tuple[int, int] | None = None,
    units: Sequence[str] | None = None,
) -> RunDir:
    """Write a finished run of the task behaviour.

    Args:
        folder: of the runs.
        number: tells the runs of a test apart.
        truth: of all units.
        speak: what it predicts.
        version: its version.
        seed: its seed.
        fold: its fold, and how many there are.
        units: that it is validated on; by default all.
    """
    run = RunDir(folder / f"{version}-20260101T0000{number:02d}-abcd")
    own = sorted(units or truth)
    data = {} if fold is None else {"fold": fold[0], "folds": fold[1]}
    experiment = experiment_from(
        {"name": version, "classes": list(CLASSES), "data": data, "hardware": {"device": "cpu"}},
        str,
    )
    resolved = Resolved(
        code_version="c", data_fingerprint="f", train_units=tuple(sorted({*truth} - {*own})),
        validation_units=tuple(own), torch="2", threads=1, device="cpu",
        validation_source="-".join(own),
    )  # fmt: skip
    run.write_request(
        RunRequest(
            run=run.id,
            created=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
            launcher="local",
            seed=seed,
            experiment=experiment,
            resolved=resolved,
        )
    )
    run.checkpoints.mkdir(parents=True)
    set_best(run, f"{number:064d}")
    labels = pa.array(CLASSES, pa.string())
    columns: dict[str, object] = {
        "unit": [unit for unit in own for _ in truth[unit]],
        "frame": np.concatenate([np.arange(len(truth[unit])) for unit in own]).astype(np.int32),
        "label": pa.DictionaryArray.from_arrays(
            np.concatenate([truth[unit] for unit in own]).astype(np.int32), labels
        ),
    }
    said = np.concatenate([speak(unit, truth[unit]) for unit in own]).astype(np.float32)
    columns |= {f"probability/{name}": said[:, place] for place, name in enumerate(CLASSES)}
    run.predictions.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), run.predictions, row_group_size=1000)
    return run


def set_best(run: RunDir, sha256: str) -> None:
    """Point at a best checkpoint, which need not be there."""
    pointer = Pointer(
        file="step-0000001.pt", sha256=sha256, bytes=1, epoch=1, step=1, attempt="0001-abcd", seq=1
    )
    run.write_pointer("best", pointer)
