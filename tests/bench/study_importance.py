"""How often `mabe tune --importance` finds a setting that matters, and how often one that does not.

    nice -n 19 python -m tests.bench.study_importance --studies 25

Studies of random trials with three settings: a learning rate on a logarithmic scale, a choice of three, and a
whole number. The score is noise alone; or the distance of the rate's logarithm from 1e-3, spread over three
standard deviations of the noise; or two deviations more for one of the choices. Prints in how many studies
each setting is above noise.
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from mabe_tui.runs.studies import importance

RATE, CHOICE, NUMBER = "rate", "choice", "number"
KINDS = {
    RATE: FloatDistribution(1e-4, 1e-2, log=True),
    CHOICE: CategoricalDistribution(("1", "2", "3")),
    NUMBER: IntDistribution(1, 100),
}
NOISE = 0.1
SCORES: dict[str, Callable[[dict[str, Any]], float]] = {
    "nothing": lambda _: 0.0,
    RATE: lambda values: -3 * NOISE * abs(np.log10(values[RATE]) + 3),
    CHOICE: lambda values: 2 * NOISE * (values[CHOICE] == "2"),
}


def found(trials: int, score: Callable[[dict[str, Any]], float], seed: int) -> set[str]:
    """Return the settings of one study that are above noise."""
    random = np.random.default_rng(seed)
    params: list[dict[str, Any]] = [
        {
            RATE: float(10 ** random.uniform(-4, -2)),
            CHOICE: str(random.integers(1, 4)),
            NUMBER: int(random.integers(1, 101)),
        }
        for _ in range(trials)
    ]
    scores = np.array([score(values) for values in params]) + random.normal(0, NOISE, trials)
    return {
        each.setting for each in importance.judged(params, KINDS, scores, True) if each.above_noise
    }


def main() -> None:
    """Print a line for each kind of study."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--studies", type=int, default=25)
    parser.add_argument("--shuffles", type=int, default=79)
    options = parser.parse_args()
    importance.SHUFFLES = options.shuffles
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for what, score in SCORES.items():
        for trials in (12, 30):
            each = [found(trials, score, seed) for seed in range(options.studies)]
            counts = ", ".join(f"{name} {sum(name in one for one in each)}" for name in KINDS)
            print(f"{what} matters, {trials} trials: {counts} of {options.studies}", flush=True)


if __name__ == "__main__":
    main()
