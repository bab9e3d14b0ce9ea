"""Check a submission before it is spent."""

from pathlib import Path

import msgspec
import pandas as pd

from core.errors import DataError
from core.evaluation.competition import SUBMISSION_COLUMNS, key_counts
from core.submission.check import check_submission
from core.submission.faults import SubmissionFault
from core.submission.reading import read_submission

NOBODY = ("0", "mouse1", "self", "rest", 0, 1)
"""A row of a truth for a submission that has none."""


def problems_of(path: Path, data: Path | None = None) -> list[str]:
    """Return why the competition would reject a submission; empty if it would not.

    Args:
        path: the submission.
        data: a folder in the competition's layout, to compare with; ``None``: only what is rejected whatever
            the data are.
    """
    try:
        if data is not None:
            found = check_submission(path, data).findings
            return [_sentence(each) for each in found if each.consequence == "rejected"]
        submission = read_submission(path)
        key_counts(_as_truth(submission), submission)
    except DataError as error:
        return [str(error)]
    return []


def _sentence(fault: SubmissionFault) -> str:
    where = f", such as {fault.places[0]}" if fault.places else ""
    return f"{fault.count:,} {fault.unit}{where}: {fault.meaning}"


def _as_truth(submission: pd.DataFrame) -> pd.DataFrame:
    """Return a truth that lists every behaviour of a submission, so that each row is looked at."""
    if {*SUBMISSION_COLUMNS} <= {*submission.columns}:
        whole = submission[SUBMISSION_COLUMNS].dropna()
    else:
        whole = pd.DataFrame(columns=SUBMISSION_COLUMNS)
    if whole.empty:
        whole = pd.DataFrame([NOBODY], columns=SUBMISSION_COLUMNS)
    listed = whole["agent_id"] + "," + whole["target_id"] + "," + whole["action"]
    entries = listed.groupby(whole["video_id"]).agg(lambda names: sorted({*names}))
    texts = entries.map(lambda names: msgspec.json.encode(names).decode())
    first = whole.drop_duplicates("video_id").assign(start_frame=0, stop_frame=1, lab_id="any")
    return first.assign(behaviors_labeled=first["video_id"].map(texts))
