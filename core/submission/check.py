"""What the competition would do with a submission: what it rejects, what costs points, what it ignores."""

import math
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from core.data.competition import Bouts, Video, read_bouts, read_videos
from core.data.parquet import largest_value
from core.evaluation.clashes import KEY, clashes
from core.evaluation.competition import SUBMISSION_COLUMNS, frame_numbers, listed_rows
from core.submission.faults import NUMBER, Faults, SubmissionFault
from core.submission.lab_actions import LabActions, lab_actions
from core.submission.reading import read_listed, read_submission
from core.system.progress import Progress

TABLES = ("train", "test")
ROW_ID = "row_id"
WHOLE = r"\s*[+-]?\d+\s*"
EDGES = ("start_frame", "stop_frame")


class SubmissionReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of :func:`check_submission`."""

    path: str
    data: str
    table: str
    """The table whose videos it was compared with: ``train`` or ``test``."""
    rows: int
    scored_rows: int
    """Rows with frames, of a behaviour that is listed for their video."""
    videos: int
    """Videos of the table for which behaviours are listed."""
    videos_without_rows: int
    tracked: int
    """Of the videos that have rows, those with tracking, which shows where they end."""
    annotated_labs: int
    """Labs whose annotations show which actions they have."""
    findings: tuple[SubmissionFault, ...]
    """The gravest first."""
    accepted: bool
    """Whether the competition would score it."""


def check_submission(
    path: Path,
    data: Path,
    table: str | None = None,
    progress: Progress | None = None,
    every_place: bool = False,
) -> SubmissionReport:
    """Say what the competition would do with a submission, without scoring it.

    Args:
        path: a CSV or parquet file.
        data: a folder in the competition's layout. Its table lists the behaviours of each video,
            ``train_annotation`` shows which actions each lab has, and the tracking where videos end; the last
            two may be absent.
        table: ``train`` or ``test``; by default the one that lists more of the submission's videos.
        progress: called with (done, total, what) while annotations are read.
        every_place: name every row, not only the first few.

    Raises:
        DataError: the file cannot be read as a table, or the folder has no such table.
    """
    submission = read_submission(path)
    chosen = table or _table_of(submission, data)
    videos = [video for video in read_videos(data, chosen) if video.behaviors]
    listed = read_listed(data, chosen).rename_axis(NUMBER).reset_index()
    annotated = _annotated_actions(data, progress)
    findings = Faults(every_place)
    rows = _sound_rows(submission, findings)
    scored = listed_rows(listed[listed["behaviors_labeled"] != ""], rows)
    overlaps, count = clashes(scored, findings.most)
    findings.add("overlap", [str(clash) for clash in overlaps], count, count)
    _find_costs(scored, annotated, findings)
    tracked = _find_outside(scored, videos, findings)
    _find_ignored(rows, scored, {*listed["video_id"]}, findings)
    found = findings.found()
    return SubmissionReport(
        path=str(path),
        data=str(data),
        table=chosen,
        rows=len(submission),
        scored_rows=int((scored["start_frame"] < scored["stop_frame"]).sum()),
        videos=len(videos),
        videos_without_rows=len({video.video_id for video in videos} - {*rows["video_id"]}),
        tracked=tracked,
        annotated_labs=len({video.lab_id for video in videos} & {*annotated.by_lab}),
        findings=found,
        accepted=not any(finding.consequence == "rejected" for finding in found),
    )


def _table_of(submission: pd.DataFrame, data: Path) -> str:
    """Return the table of the folder that lists more of the submission's videos."""
    ids = {*submission["video_id"].astype(str)} if "video_id" in submission else set()
    present = [table for table in TABLES if (data / f"{table}.csv").is_file()]
    shared = {table: len(ids & {*read_listed(data, table)["video_id"]}) for table in present}
    return max(shared, key=lambda table: shared[table], default=TABLES[0])


def _annotated_actions(data: Path, progress: Progress | None) -> LabActions:
    """Return what each lab has annotated in a folder; nothing if it has no ``train.csv``."""
    if not (data / "train.csv").is_file():
        return LabActions({})
    labelled = [video for video in read_videos(data) if video.behaviors]
    annotated = [video for video in labelled if video.annotation_path.is_file()]

    def read() -> Iterator[tuple[Video, Bouts]]:
        for done, video in enumerate(annotated, start=1):
            yield video, read_bouts(video)
            if progress is not None:
                progress(done, len(annotated), "videos")

    return lab_actions(read())


def _sound_rows(submission: pd.DataFrame, findings: Faults) -> pd.DataFrame:
    """Return the rows that can be read, with their numbers, after counting the others."""
    if submission.empty:
        findings.add("no_rows", ["the file has a header alone"], 1)
    missing = [column for column in SUBMISSION_COLUMNS if column not in submission]
    findings.add("missing_column", missing, len(missing))
    _find_row_ids(submission, findings)
    if missing:
        return pd.DataFrame(columns=[*SUBMISSION_COLUMNS, NUMBER])
    rows = submission[SUBMISSION_COLUMNS].reset_index(drop=True)
    rows[NUMBER] = range(len(rows))
    full = rows.notna().all(axis=1)
    findings.add_rows("empty_value", rows[~full].astype(object).fillna("(empty)"))
    rows = rows[full].astype(dict.fromkeys(KEY, str))
    numbers, sound = zip(*(frame_numbers(rows[edge]) for edge in EDGES), strict=True)
    is_sound = sound[0] & sound[1]
    findings.add_rows("no_frame_number", rows[~is_sound])
    whole = rows[list(EDGES)].astype(str).apply(lambda edge: edge.str.fullmatch(WHOLE)).all(axis=1)
    findings.add_rows("decimal_frames", rows[is_sound & ~whole])
    rows = rows.assign(**dict(zip(EDGES, numbers, strict=True)))[is_sound]
    rows = rows.astype(dict.fromkeys(EDGES, "int64"))
    backwards = rows["start_frame"] > rows["stop_frame"]
    findings.add_rows("start_after_stop", rows[backwards])
    sound_rows: pd.DataFrame = rows[~backwards]
    return sound_rows


def _find_row_ids(submission: pd.DataFrame, findings: Faults) -> None:
    if ROW_ID not in submission:
        findings.add("row_id", [f"there is no column {ROW_ID}"], max(len(submission), 1))
        return
    repeated = submission[ROW_ID].isna() | submission[ROW_ID].duplicated()
    rows = [f"row {row}: {submission[ROW_ID].iloc[row]}" for row in np.flatnonzero(repeated)]
    findings.add("row_id", rows, len(rows))


def _find_costs(scored: pd.DataFrame, annotated: LabActions, findings: Faults) -> None:
    places, count = [], 0
    for names, rows in scored.groupby(["lab_id", "action"]):
        lab, action = map(str, names)
        if not annotated.allows(lab, action):
            places.append(f"{lab}: {action}, from row {rows[NUMBER].min()} on")
            count += len(rows)
    findings.add("never_annotated", places, count)


def _find_outside(scored: pd.DataFrame, videos: list[Video], findings: Faults) -> int:
    """Count rows beyond either end of their video; return how many videos have a known end."""
    with_frames = scored[scored["start_frame"] < scored["stop_frame"]]
    findings.add_rows("before_start", with_frames[with_frames["start_frame"] < 0])
    predicted = {*with_frames["video_id"]}
    ends = {
        video.video_id: largest_value(video.tracking_path, "video_frame")
        for video in videos
        if video.video_id in predicted and video.tracking_path.is_file()
    }
    frames = [
        math.inf if end is None else end + 1 for end in map(ends.get, with_frames["video_id"])
    ]
    findings.add_rows("past_end", with_frames[with_frames["stop_frame"] > np.array(frames)])
    return len(ends)


def _find_ignored(
    rows: pd.DataFrame, scored: pd.DataFrame, known: set[str], findings: Faults
) -> None:
    foreign = ~rows["video_id"].isin(known)
    findings.add_rows("unknown_video", rows[foreign])
    unlisted = rows[~foreign & ~rows[NUMBER].isin(scored[NUMBER])]
    by_number = unlisted["agent_id"] == unlisted["target_id"]
    findings.add_rows("target_by_number", unlisted[by_number])
    findings.add_rows("unlisted", unlisted[~by_number])
    findings.add_rows("no_frames", scored[scored["start_frame"] == scored["stop_frame"]])
    findings.add_rows("repeated", scored[scored.duplicated(["lab_id", *SUBMISSION_COLUMNS])])
