"""Write a submission that the competition accepts, video by video, so that memory holds one."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pandas as pd

from core.data.competition import Bouts, Video
from core.errors import DataError, UserError
from core.evaluation.competition import SUBMISSION_COLUMNS
from core.submission.lab_actions import LabActions
from core.submission.rows import harmless_row, submission_rows
from core.system.files import replace_atomically

COLUMNS = ["row_id", *SUBMISSION_COLUMNS]
SUFFIX = ".csv"
"""The format that the competition takes."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """What :func:`write_submission` wrote."""

    path: Path
    videos: int
    rows: int
    frames: int
    """Total frames of the rows."""
    unlisted: int
    """Bouts left out because the competition ignores their behaviour in their video."""
    never_annotated: int
    """Bouts left out because their action is not in their lab's training annotations."""
    filled: bool
    """Whether nothing was found, so that one row stands in: an empty file would be rejected."""


def check_submission_path(path: Path) -> None:
    """Reject a file name that is not that of a submission, before anything is computed.

    Raises:
        UserError: the name does not end in ``.csv``.
    """
    if path.suffix != SUFFIX:
        raise UserError(f"{path}: a submission is a CSV file; end the name in {SUFFIX}")


def write_submission(
    path: Path,
    found: Iterable[tuple[Video, Bouts, int]],
    lab_actions: LabActions | None = None,
) -> Submitted:
    """Write the bouts of each video as they arrive; the file appears once all are written.

    If anything fails, an existing file stays as it was: written again after each model of an ensemble, the
    file is valid at any time. The same bouts in the same order give the same bytes.

    Args:
        path: ends in ``.csv``.
        found: each video once, its bouts, and its length in frames (its last tracked frame + 1);
            iterated once.
        lab_actions: the actions that each lab has annotated; others are left out.

    Raises:
        UserError: a name that does not end in ``.csv``, or a folder that cannot be written.
        DataError: a video comes twice; or nothing can be written, as no video lists a behaviour that its
            lab has annotated.
    """
    check_submission_path(path)
    seen: set[str] = set()
    rows = frames = unlisted = never_annotated = 0
    spare: pd.DataFrame | None = None
    with replace_atomically(path, "w") as file:
        pd.DataFrame(columns=COLUMNS).to_csv(file, index=False)
        for video, bouts, length in found:
            if video.video_id in seen:
                raise DataError(f"video {video.video_id} comes twice; a submission has it once")
            seen.add(video.video_id)
            of_video = submission_rows(video, bouts, length, lab_actions)
            unlisted += of_video.unlisted
            never_annotated += of_video.never_annotated
            frames += _append(file, of_video.table, rows)
            rows += len(of_video.table)
            if spare is None:
                spare = harmless_row(video, length, lab_actions)
        filled = rows == 0
        if filled:
            if spare is None:
                raise DataError(
                    f"{path}: nothing to write, and a file without rows is rejected: none of"
                    f" {len(seen)} videos lists a behaviour that its lab has annotated"
                )
            frames, rows = _append(file, spare, 0), 1
    return Submitted(path, len(seen), rows, frames, unlisted, never_annotated, filled)


def _append(file: IO[str], table: pd.DataFrame, first_row: int) -> int:
    """Write rows with their numbers; return their total frames."""
    numbered = table.assign(row_id=range(first_row, first_row + len(table)))
    numbered[COLUMNS].to_csv(file, index=False, header=False, lineterminator="\n")
    return int((table["stop_frame"] - table["start_frame"]).sum())
