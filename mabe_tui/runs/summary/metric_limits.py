"""How high a metric can be on the validation data that there are."""

from collections.abc import Mapping

from core.config.task_spec import SUPPORT


def most_possible(metrics: Mapping[str, float]) -> float | None:
    """Return the highest mean over all labels on this validation data; ``None``: it is 1, or not known.

    A label that no example has counts 0 in such a mean, whatever is predicted.
    """
    examples = [value for name, value in metrics.items() if name.startswith(SUPPORT)]
    absent = examples.count(0)
    return 1 - absent / len(examples) if absent else None
