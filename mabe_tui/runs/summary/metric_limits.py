"""Upper bound of a metric on the given validation data."""

from collections.abc import Mapping

from core.config.task_spec import SUPPORT


def most_possible(metrics: Mapping[str, float]) -> float | None:
    """Return the upper bound of a mean over all labels on this validation data; ``None`` if 1 or unknown.

    A label without examples counts 0 in such a mean, whatever is predicted.
    """
    examples = [value for name, value in metrics.items() if name.startswith(SUPPORT)]
    absent = examples.count(0)
    return 1 - absent / len(examples) if absent else None
