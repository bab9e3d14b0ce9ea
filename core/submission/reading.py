"""Read submissions, and the truth that a data folder has for them."""

import fnmatch
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.data.competition import Video, read_bouts, read_videos
from core.data.csv_file import read_rows
from core.errors import ConfigError, DataError, first_line
from core.evaluation.competition import truth_table
from core.system.progress import Progress


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The annotations of a data folder."""

    table: pd.DataFrame
    """One row per bout, as :func:`core.evaluation.competition.score` takes it."""
    videos: tuple[Video, ...]
    """The labelled videos that have an annotation file."""
    missing: int
    """Labelled videos without one."""


def read_submission(path: Path) -> pd.DataFrame:
    """Read a submission as it is, right or wrong: every value of a CSV file as text.

    Raises:
        DataError: no such file, an unknown format, or not a table.
    """
    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".csv": lambda file: pd.read_csv(file, dtype=str, keep_default_na=False, na_values=[""]),
        ".parquet": lambda file: pq.read_table(file).to_pandas(),
    }
    if path.suffix not in readers:
        raise DataError(f"{path}: a submission is a file that ends in {' or '.join(readers)}")
    try:
        return readers[path.suffix](path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except pd.errors.EmptyDataError as error:
        raise DataError(
            f"{path}: is empty; a submission has a header and a row per bout"
        ) from error
    except (OSError, ValueError, pa.ArrowException) as error:  # pandas' ParserError is a ValueError
        reason = getattr(error, "strerror", None) or first_line(error)
        raise DataError(f"{path}: cannot be read as a table ({reason})") from error


def read_listed(root: Path, table: str = "train") -> pd.DataFrame:
    """Read ``lab_id, video_id, behaviors_labeled`` of ``{table}.csv``, as the competition reads them.

    The text of the last is unchanged, because the competition compares its entries literally.
    """
    columns = ("lab_id", "video_id", "behaviors_labeled")
    rows = read_rows(root / f"{table}.csv", columns)
    return pd.DataFrame([[row.text(c) for c in columns] for row in rows], columns=list(columns))


def read_truth(
    root: Path, progress: Progress | None = None, leave_out: Sequence[str] = ()
) -> Truth:
    """Read all annotations that a data folder has.

    Args:
        root: a folder in the competition's layout; tracking is not needed.
        progress: called with (done, total, what).
        leave_out: labs to leave out, by name or pattern, such as ``CalMS21*``.

    Raises:
        DataError: the folder has no annotated video, or a file is damaged; names the file and row.
        ConfigError: a pattern matches no lab.
    """
    videos = read_videos(root)
    left_out = _labs_matching({video.lab_id for video in videos}, leave_out)
    labelled = [video for video in videos if video.behaviors and video.lab_id not in left_out]
    annotated = tuple(video for video in labelled if video.annotation_path.is_file())
    annotations = {}
    for done, video in enumerate(annotated, start=1):
        annotations[video.video_id] = _annotation(video)
        if progress is not None:
            progress(done, len(annotated), "videos")
    if not any(len(table) for table in annotations.values()):
        raise DataError(
            f"{root}: no annotated video; train_annotation/ has no bout for any of the"
            f" {len(labelled)} labelled videos of the labs that count"
        )
    table = truth_table(read_listed(root), annotations)
    return Truth(table, annotated, len(labelled) - len(annotated))


def _labs_matching(labs: set[str], patterns: Sequence[str]) -> set[str]:
    found = set()
    for pattern in patterns:
        matching = fnmatch.filter(labs, pattern)
        if not matching:
            raise ConfigError(f"no lab is called {pattern}; there are {', '.join(sorted(labs))}")
        found.update(matching)
    return found


def _annotation(video: Video) -> pd.DataFrame:
    bouts = read_bouts(video)
    reversed_rows = (bouts.start > bouts.stop).nonzero()[0]
    if reversed_rows.size:
        raise DataError(
            f"{video.annotation_path}, row {reversed_rows[0]} (from 0): start_frame is after"
            " stop_frame; swap or remove it"
        )
    return pd.DataFrame(
        {
            "agent_id": bouts.agent,
            "target_id": bouts.target,
            "action": bouts.action,
            "start_frame": bouts.start,
            "stop_frame": bouts.stop,
        }
    )
