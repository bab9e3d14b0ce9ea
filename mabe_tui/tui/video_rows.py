"""The video screen's list: validation videos as rows of text."""

from collections.abc import Sequence

from mabe_tui.runs.video import VideoScore
from mabe_tui.tui.widgets.table import Column, Row

MISSING = "–"


def score_columns(classes: Sequence[str]) -> tuple[Column, ...]:
    """Give the columns for a run that tells these classes apart."""
    of_classes = [
        Column(f"f1/{name}", name, align="right", rank=number + 1)
        for number, name in enumerate(classes)
    ]
    return (
        Column("video_id", "video"),
        Column("f1_macro_present", "F1", align="right"),
        Column("errors", "wrong", align="right"),
        Column("frames", "frames", align="right"),
        *of_classes,
    )


def score_row(score: VideoScore) -> Row:
    """Write one video's figures."""
    of_classes = [MISSING if value is None else f"{value:.3f}" for value in score.f1.values()]
    cells = (f"{score.f1_macro_present:.3f}", f"{score.errors:,}", f"{score.frames:,}")
    return Row(score.video_id, (score.video_id, *cells, *of_classes))
