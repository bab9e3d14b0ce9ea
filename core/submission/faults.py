"""Faults of a submission: the catalogue of faults, and the report that counts them."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
import pandas as pd

Consequence = Literal["rejected", "may be rejected", "costs points", "scores nothing"]
CONSEQUENCES: tuple[Consequence, ...] = (
    "rejected",
    "may be rejected",
    "costs points",
    "scores nothing",
)
"""The gravest first."""
PLACES = 5
"""Number of places named per finding, unless all are asked for."""
NUMBER = "row"
"""Column of the number of each row, from 0."""


class FaultKind(NamedTuple):
    """One entry of the catalogue."""

    consequence: Consequence
    unit: str
    meaning: str
    """What it is, and what to do."""


KINDS: dict[str, FaultKind] = {
    "no_rows": FaultKind("rejected", "files", "no rows; a submission needs at least one"),
    "missing_column": FaultKind("rejected", "columns", "missing; add the column"),
    "empty_value": FaultKind(
        "rejected", "rows", "a value is missing; fill it in or remove the row"
    ),
    "no_frame_number": FaultKind(
        "rejected", "rows", "start_frame or stop_frame is not a whole number, or is too large"
    ),
    "start_after_stop": FaultKind(
        "rejected",
        "rows",
        "start_frame is after stop_frame, which is refused even for videos that are not scored",
    ),
    "overlap": FaultKind(
        "rejected",
        "overlaps",
        "two actions of one agent on one target share frames; keep one action per frame",
    ),
    "row_id": FaultKind(
        "may be rejected",
        "rows",
        "row_id is missing or repeated; Kaggle's form has it, so number the rows from 0",
    ),
    "decimal_frames": FaultKind(
        "may be rejected",
        "rows",
        "frames written with a decimal point, which the host's code may not take; write whole numbers",
    ),
    "never_annotated": FaultKind(
        "costs points",
        "rows",
        "listed, but the lab's annotations never have the action; if its truth has none either, the action"
        " counts with an F1 of 0, even for rows without frames; leave the action out for this lab",
    ),
    "before_start": FaultKind(
        "costs points", "rows", "frames before 0 are all false positives; start at 0"
    ),
    "past_end": FaultKind(
        "costs points",
        "rows",
        "frames after the video's last tracked frame, where the truth hardly has any; stop there",
    ),
    "unknown_video": FaultKind("scores nothing", "rows", "the table has no such video; ignored"),
    "target_by_number": FaultKind(
        "scores nothing",
        "rows",
        "agent and target are the same: an action of a mouse alone has the target self; ignored",
    ),
    "unlisted": FaultKind(
        "scores nothing",
        "rows",
        "the behaviour is not in the video's behaviors_labeled, whose spelling counts; ignored",
    ),
    "no_frames": FaultKind(
        "scores nothing", "rows", "start_frame = stop_frame; no frame is predicted"
    ),
    "repeated": FaultKind("scores nothing", "rows", "the same row again, which has no effect"),
}


class SubmissionFault(msgspec.Struct, frozen=True):
    """One kind of fault, with the first few places that have it."""

    code: str
    consequence: Consequence
    count: int
    unit: str
    """What is counted."""
    meaning: str
    """What it is, and what to do."""
    places: tuple[str, ...]
    more_places: int = 0
    """Number of places missing from ``places``."""


class Faults:
    """Collects findings during a check.

    Args:
        every_place: keep all places of each finding, not only the first few.
    """

    def __init__(self, every_place: bool = False) -> None:
        self.most = None if every_place else PLACES
        """How many places of each finding are kept; ``None``: all."""
        self._found: dict[str, tuple[int, tuple[str, ...], int]] = {}

    def add(self, code: str, places: Sequence[str], count: int, every: int | None = None) -> None:
        """Count a fault of the catalogue.

        Args:
            code: its code.
            places: where it is, or the first few places.
            count: how often it is there, in the unit of the catalogue.
            every: the number of all places, if ``places`` are the first few.
        """
        if count:
            shown = tuple(places[: self.most])
            self._found[code] = (count, shown, (every or len(places)) - len(shown))

    def add_rows(self, code: str, rows: pd.DataFrame) -> None:
        """Count rows; they have :data:`NUMBER` and the columns of a submission."""
        places = [
            f"row {getattr(row, NUMBER)}: video {row.video_id}, {row.agent_id},{row.target_id},"
            f"{row.action}, frames {row.start_frame} to {row.stop_frame}"
            for row in rows[: self.most].itertuples()
        ]
        self.add(code, places, len(rows), len(rows))

    def found(self) -> tuple[SubmissionFault, ...]:
        """Return all findings, the gravest first, each kind in the order of the catalogue."""
        found = [
            SubmissionFault(
                code=code,
                consequence=kind.consequence,
                count=self._found[code][0],
                unit=kind.unit,
                meaning=kind.meaning,
                places=self._found[code][1],
                more_places=self._found[code][2],
            )
            for code, kind in KINDS.items()
            if code in self._found
        ]
        return tuple(sorted(found, key=lambda each: CONSEQUENCES.index(each.consequence)))
