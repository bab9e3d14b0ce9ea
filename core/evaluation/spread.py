"""One figure from several seeds."""

from collections.abc import Sequence


def mean_std(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and sample standard deviation (n − 1) over seeds; no deviation from a single value.

    Raises:
        ValueError: there is no value.
    """
    from statistics import mean, stdev  # as dear as all else that a list of runs imports

    if not values:
        raise ValueError("no value to average")
    return mean(values), stdev(values) if len(values) > 1 else None
