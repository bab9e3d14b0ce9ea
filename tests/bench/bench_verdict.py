"""False positive rate and power of the verdict.

    python -m tests.bench.bench_verdict [--studies 400] [--shapes plain …] [--runs FOLDER]

How often two versions are told apart, for 5 to 40 videos and 2 to 6 seeds a side: where they are one (it
should be 5 %), and where one is better by one and by two standard deviations of a run over seeds. Beside it
the rule that it replaced: a paired bootstrap over the videos, of counts averaged over the seeds. The versions
are made up, each with a kind of luck of its own (tests/made_up_versions.py). With --runs also of real seeds,
which `study_seeds.py` trained, drawn and divided at random, and what picking the best epoch does. Errors are
standard errors.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.evaluation.crossed import group_of, variance_of
from core.evaluation.paired import paired_bootstrap
from core.evaluation.rows import counts_of, f1_macro
from core.evaluation.student import student_cdf
from tests.made_up_versions import Floats, Luck, two_versions

VIDEOS = (5, 8, 12, 20, 40)
SEEDS = ((2, 2), (3, 3), (4, 4), (6, 6), (2, 6))
SHAPES = {
    "plain": Luck(),
    "large seed spread": Luck(seed=0.9),
    "small seed spread": Luck(seed=0.05),
    "versions differ by video": Luck(version=0.5),
    "unequal videos": Luck(sizes="unequal"),
    "absent classes": Luck(classes="absent"),
    "near the ceiling": Luck(skill=4.0, classes="absent"),
    "one spreads 3 times as far": Luck(seed=0.2, other_seed=0.6),
}
BESIDE = ("plain", "large seed spread")
"""Shapes that the old rule is tried on too, and the power of both."""
RESAMPLES = 400
OLD_STUDIES = 200
DRAWS = 2000
PICKINGS = 200

Told = NDArray[np.bool_]


def told_apart(a: Floats, b: Floats) -> Told:
    """Return for each study, ``(studies, seeds, videos, classes, 5)``, whether the verdict does."""
    found = variance_of(group_of(a, f1_macro), group_of(b, f1_macro))
    ratio = np.abs(found.difference) / np.maximum(np.sqrt(found.total), 1e-300)
    tails = [student_cdf(-one, df) for one, df in zip(ratio, found.freedom, strict=True)]
    return np.array(tails) < 0.025


def told_apart_before(a: Floats, b: Floats) -> Told:
    """Return what the rule over videos alone says."""
    first, second = a.sum(axis=1) * b.shape[1], b.sum(axis=1) * a.shape[1]
    return np.array(
        [
            paired_bootstrap(one, other, f1_macro, resamples=RESAMPLES).distinguishable
            for one, other in zip(first[:OLD_STUDIES], second[:OLD_STUDIES], strict=True)
        ]
    )


def rate(told: Told) -> str:
    """Format a share of independent studies in percent."""
    return f"{100 * told.mean():5.1f}"


def simulated(names: Sequence[str], studies: int) -> None:
    """Print a table a shape: rows are seeds, columns videos."""
    head = "".join(f"{videos:>8}" for videos in VIDEOS)
    error = 100 * (0.05 * 0.95 / studies) ** 0.5
    print(f"told apart in percent of {studies} studies (± {error:.1f} at 5 %); videos:{head}")
    for name in names:
        luck = SHAPES[name]
        for gain in (0, 1, 2) if name in BESIDE else (0,):
            print(f"{name}, " + (f"better by {gain} sd" if gain else "the same version twice"))
            for seeds in SEEDS:
                row, before = [], []
                for videos in VIDEOS:
                    rng = np.random.default_rng((videos, *seeds, gain))
                    a, b = map(counts_of, two_versions(luck, studies, videos, seeds, rng, gain))
                    row.append(rate(told_apart(a, b)))
                    if name in BESIDE:
                        before.append(rate(told_apart_before(a, b)))
                label = f"  {seeds[0]} and {seeds[1]} seeds"
                print(f"{label:<24}{'   '.join(row)}", end="")
                print(f"   | before {'   '.join(before)}" if before else "", flush=True)


def real(folder: Path) -> None:
    """Print the same of real seeds, divided at random."""
    for version in sorted({path.name.split("-")[0] for path in folder.glob("*-*.npz")}):
        runs = load_runs(folder, version)
        picked = best_epochs(runs)
        for name, counts in (("best epoch", picked), ("last epoch", runs[:, -1])):
            scores = f1_macro(counts.sum(axis=1))
            print(
                f"{len(runs)} seeds of {version}, {name}: F1 {scores.mean():.3f},"
                f" {scores.min():.3f} … {scores.max():.3f}, sd {scores.std(ddof=1):.3f}"
            )
            divided(counts)
        picking(version, runs)


def load_runs(folder: Path, version: str) -> Floats:
    """``(runs, epochs, videos, classes, 5)`` counts of a version's runs."""
    files = sorted(folder.glob(f"{version}-*.npz"))
    return counts_of(np.stack([np.load(file)["counts"] for file in files]))


def best_epochs(runs: Floats) -> Floats:
    """``(runs, videos, classes, 5)`` counts of each run's best epoch on all these videos."""
    best = f1_macro(runs.sum(axis=2)).argmax(axis=1)
    return np.asarray(runs[np.arange(len(runs)), best])


def divided(counts: Floats) -> None:
    """Draw runs and videos, divide the runs in two, and print how often the halves are told apart."""
    runs, videos_there = counts.shape[:2]
    for seeds in (n for n in (2, 3, 4, 6) if 2 * n < runs):
        row, before = [], []
        for videos in VIDEOS:
            rng = np.random.default_rng((videos, seeds))
            drawn = np.array([rng.permutation(runs)[: 2 * seeds] for _ in range(DRAWS)])
            shown = [rng.permutation(videos_there)[:videos] for _ in range(DRAWS)]
            sides = np.stack([counts[d][:, v] for d, v in zip(drawn, shown, strict=True)])
            a, b = sides[:, :seeds], sides[:, seeds:]
            told = told_apart(a, b)
            row.append(f"{100 * told.mean():5.1f} ± {100 * error_over_runs(told, drawn, runs):.1f}")
            before.append(rate(told_apart_before(a, b)))
        print(
            f"  {seeds} and {seeds} seeds  {'  '.join(row)}  | before {'  '.join(before)}",
            flush=True,
        )


def error_over_runs(told: Told, drawn: NDArray[np.int64], runs: int) -> float:
    """Standard error of a share of draws that reuse the same runs: the jackknife over runs."""
    without = [told[~(drawn == run).any(axis=1)] for run in range(runs)]
    shares = np.array([each.mean() for each in without if each.size])
    return float(np.sqrt((len(shares) - 1) * shares.var()))


def picking(version: str, runs: Floats) -> None:
    """Print what it lifts the score by that the best epoch is picked on the videos it is scored on."""
    rng = np.random.default_rng(0)
    count, _, videos = runs.shape[:3]
    for half in (5, 10, 20):
        same, other, last = [], [], []
        for _ in range(PICKINGS):
            order = rng.permutation(videos)
            here = f1_macro(runs[:, :, order[:half]].sum(axis=2))
            there = f1_macro(runs[:, :, order[half : 2 * half]].sum(axis=2))
            same.append(here.max(axis=1).mean())
            other.append(here[np.arange(count), there.argmax(axis=1)].mean())
            last.append(here[:, -1].mean())
        print(
            f"{version}, {half} videos: F1 {np.mean(same):.3f} at the epoch picked on them,"
            f" {np.mean(other):.3f} at the one picked on {half} others, {np.mean(last):.3f} at the last"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--shapes", nargs="*", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--runs", type=Path, help="a folder of study_seeds.py")
    options = parser.parse_args()
    if options.runs is not None:
        real(options.runs)
    simulated(options.shapes, options.studies)


if __name__ == "__main__":
    main()
