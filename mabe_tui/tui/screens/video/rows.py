"""The rows of the list of validation videos, and their order."""

from collections.abc import Mapping, Sequence

from mabe_tui.runs.videos.confused import Pair
from mabe_tui.runs.videos.video import VideoScore
from mabe_tui.tui.widgets.columns import Column, TableRow

Order = tuple[str, bool]
"""A column's key, and whether it sorts in descending order first."""
WORST_FIRST: Order = ("f1_macro_present", False)
MISSING = "–"
OF_CLASS = "f1/"


CONFUSED = "confused"


def score_columns(classes: Sequence[str], pair: Pair | None = None) -> tuple[Column, ...]:
    """Return the columns for a run with these classes; keys are those of `mabe video`.

    Args:
        classes: names by index.
        pair: the confusion whose frames have a column of their own.
    """
    of_classes = [
        Column(OF_CLASS + name, name, align="right", rank=number + 1)
        for number, name in enumerate(classes)
    ]
    return (
        Column("video", "video"),
        *([Column(CONFUSED, str(pair), align="right")] if pair is not None else []),
        Column("f1_macro_present", "F1", align="right"),
        Column("errors", "wrong", align="right"),
        Column("frames", "frames", align="right"),
        *of_classes,
    )


def score_row(score: VideoScore, confused: int | None = None) -> TableRow:
    """Format one video's figures, with its frames of a confusion if one is looked at."""
    of_classes = [MISSING if value is None else f"{value:.3f}" for value in score.f1.values()]
    cells = (f"{score.f1_macro_present:.3f}", f"{score.errors:,}", f"{score.frames:,}")
    of_pair = () if confused is None else (f"{confused:,}",)
    return TableRow(score.video_id, (score.video_id, *of_pair, *cells, *of_classes))


def falls(key: str) -> bool:
    """Return whether a column's worst value is its greatest, so that sorting starts with it."""
    return key in ("errors", "frames", CONFUSED)


def ordered(
    scores: Sequence[VideoScore], order: Order, confused: Mapping[str, int] | None = None
) -> list[VideoScore]:
    """Sort by a column; videos without a value come last in either order."""
    key, descending = order
    if key == CONFUSED:
        counts = confused or {}
        return sorted(scores, key=lambda one: counts.get(one.video_id, 0), reverse=descending)
    known = [score for score in scores if _value(score, key) is not None]
    known.sort(key=lambda score: _value(score, key) or 0, reverse=descending)
    return known + [score for score in scores if _value(score, key) is None]


def _value(score: VideoScore, key: str) -> float | str | None:
    if key == "video":
        return score.video_id
    if key.startswith(OF_CLASS):
        return score.f1.get(key.removeprefix(OF_CLASS))
    return getattr(score, key, None)
