"""Summary of one figure over several seeds."""

from collections.abc import Sequence


def mean_std(values: Sequence[float]) -> tuple[float, float | None]:
    """Return mean and sample standard deviation (n − 1) over seeds; no deviation for a single value.

    Raises:
        ValueError: there is no value.
    """
    from statistics import (
        mean,
        stdev,
    )  # as slow to import as everything else that a list of runs imports

    if not values:
        raise ValueError("no value to average")
    return mean(values), stdev(values) if len(values) > 1 else None
