"""How high a metric can be on the validation videos that there are."""

from collections.abc import Mapping

F1_MACRO, SUPPORT = "f1_macro", "support/"


def most_possible(metrics: Mapping[str, float]) -> float | None:
    """Return the highest macro F1 on these validation videos; ``None`` where it is 1, or not known.

    A class that no frame is of has an F1 of 0, whatever is predicted.
    """
    frames = [value for name, value in metrics.items() if name.startswith(SUPPORT)]
    absent = frames.count(0)
    return 1 - absent / len(frames) if absent else None
