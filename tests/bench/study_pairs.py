"""The guide's table on pairs of handwritten digits: its models out of fold, then its stages.

    python -m tests.bench.study_pairs FOLDER [--pairs 3000] [--side 28] [--width 16] [--epochs 10] [--folds 5]

Trains each version of :data:`MODELS` on every fold with the preset `small-pairs`, so that each pair is
predicted once by a model that has seen neither of its images. FOLDER gets a home with these runs, and
``rows.jsonl``: a line a run, as it ends. A study that was stopped continues with the first run that has no
line.

With --combine the ten models are put together in every way, nested, and the table is printed: the share of
pairs that are answered rightly, and the difference from the best single model with an interval of 95 %
(bootstrap over pairs).

The full size is a command for a GPU: `mabe run VERSION --folds 5 --keep-predictions` of each version.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core import job
from core.config.experiment import EnsembleConfig
from core.config.registry import default_path, load
from core.ensembles.request import ensemble_request
from core.evaluation.predictions import read_predictions
from core.run.rundir import RunDir
from core.system.lock import try_lock
from mabe_tui.runs.launching.run_requests import new_request

PLAIN = tuple(("pairs-plain", seed) for seed in (42, 123, 456))
STAGE_1 = tuple(("stage1", seed) for seed in (42, 123, 456))
BASE = (
    *STAGE_1,  # as fusion_42, fusion_123, fusion_456
    ("stage2", 42),
    ("resnet_fusion", 42),
    ("resnet_optimized", 42),
    ("seed_2023", 2023),
    ("seed_2024", 2024),
    ("seed_2025", 2025),
    ("stage3", 42),
)
"""The ten models that the guide stacks."""
MODELS = (*PLAIN, *BASE)
WAYS = (("mean", 42), ("weighted", 42), ("rank", 42), ("logistic", 42),
        ("stack", 42), ("stack", 1), ("stack", 2))  # fmt: skip


def train(version: str, seed: int, fold: int, options: argparse.Namespace) -> dict[str, object]:
    """Train one version on one fold; return what it came to."""
    overrides = [
        f"data.digits_pairs={options.pairs}",
        f"data.digits_side={options.side}",
        f"model.width={options.width}",
        f"data.folds={options.folds}",
        f"data.fold={fold}",
        f"training.epochs={options.epochs}",
        f"training.save_every={options.epochs}",
        f"training.seed={seed}",
        "training.keep_predictions=true",
    ]
    experiment = load(default_path()).experiment(version, overrides, "small-pairs")
    request = new_request(experiment, "local", preset="small-pairs", overrides=tuple(overrides))
    run = RunDir(options.folder / "runs" / request.run)
    run.write_request(request)
    began, cpu = time.monotonic(), time.process_time()
    if job.main([str(run.path)]) != 0:
        raise SystemExit(f"{version}, seed {seed}, fold {fold}: failed")
    return {
        "version": version,
        "seed": seed,
        "fold": fold,
        "run": run.id,
        "seconds": round(time.monotonic() - began, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
    }


def combine(folder: Path) -> None:
    """Put the ten models together in every way, and print what each comes to."""
    runs = runs_of(folder / "rows.jsonl")
    scores = {f"{version}, seed {seed}": right(folder, runs[version, seed])
              for version, seed in MODELS if (version, seed) in runs}  # fmt: skip
    members = [run for model in BASE if model in runs for run in runs[model]]
    for how, seed in WAYS:
        name = f"{how}, seed {seed}" if how == "stack" else how
        config = EnsembleConfig(members=("-",), how=how, seed=seed)
        wanted = None if how == "mean" else config
        inputs = [RunDir(folder / "runs" / run) for run in members]
        request = ensemble_request(inputs, f"study-{how}", wanted)
        run = RunDir(folder / "runs" / request.run)
        run.write_request(request)
        if job.main([str(run.path)]) != 0:
            raise SystemExit(f"{name}: failed")
        scores[name] = right(folder, [run.id])
    single = max((name for name in scores if "seed" in name and "stack" not in name),
                 key=lambda name: np.mean([*scores[name].values()]))  # fmt: skip
    lines = [f"| | right of {len(scores[single]):,} | difference from {single} |", "|---|---|---|"]
    for name, found in scores.items():
        units = sorted(found)
        values = np.array([found[unit] for unit in units], float)
        other = np.array([scores[single][unit] for unit in units], float)
        low, high = interval(values - other)
        difference = f"{(values - other).mean():+.4f} ({low:+.4f} … {high:+.4f})"
        lines.append(f"| {name} | {values.mean():.4f} | {difference} |")
    (folder / "table.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def right(folder: Path, runs: list[str]) -> dict[str, bool]:
    """Return whether each pair is answered rightly, out of fold."""
    tables = [read_predictions(RunDir(folder / "runs" / run).predictions) for run in runs]
    found = {}
    for table in tables:
        likeliest = table.probabilities.argmax(axis=1)
        truths = table.examples["label"].to_pylist()
        for unit, answer, truth in zip(
            table.examples["unit"].to_pylist(), likeliest, truths, strict=True
        ):
            found[unit] = table.labels[answer] == truth
    return found


def runs_of(path: Path) -> dict[tuple[str, int], list[str]]:
    """Return the runs of all folds, by version and seed."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    found: dict[tuple[str, int], list[str]] = {}
    for row in sorted(rows, key=lambda row: row["fold"]):
        found.setdefault((row["version"], row["seed"]), []).append(row["run"])
    most = max(map(len, found.values()))
    return {model: runs for model, runs in found.items() if len(runs) == most}


def interval(differences: NDArray[np.float64], resamples: int = 10_000) -> tuple[float, float]:
    """Return the 95 % interval of a mean, by resampling pairs."""
    random = np.random.default_rng(1)
    size = len(differences)
    means = [differences[random.integers(0, size, size)].mean() for _ in range(resamples)]
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, default=3000)
    parser.add_argument("--side", type=int, default=28)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--combine", action="store_true", help="put what is trained together")
    parser.add_argument(
        "--backwards", action="store_true", help="for a second process beside the first"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    os.environ["MABE_HOME"] = str(options.folder)
    if options.combine:
        combine(options.folder)
        return
    path = options.folder / "rows.jsonl"
    wanted = [(*model, fold) for model in MODELS for fold in range(options.folds)]
    for version, seed, fold in reversed(wanted) if options.backwards else wanted:
        with try_lock(options.folder / f".{version}-{seed}-{fold}.lock") as held:
            if held and (version, seed, fold) not in done(path):
                row = train(version, seed, fold, options)
                with path.open("a") as file:
                    file.write(json.dumps(row) + "\n")


def done(path: Path) -> set[tuple[str, int, int]]:
    """Return the version, seed and fold of the runs that have ended."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {(row["version"], row["seed"], row["fold"]) for row in map(json.loads, lines)}


if __name__ == "__main__":
    main()
