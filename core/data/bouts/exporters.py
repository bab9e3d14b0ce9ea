"""Write bouts in the formats of other tools: BORIS, SimBA, NWB, and a plain table."""

import csv
import datetime as dt
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.data.bouts.table import BoutRow, BoutTable, VideoLength
from core.data.importers.boris import NOBODY
from core.errors import DataError, UserError
from core.system.files import replace_atomically

BORIS_COLUMNS = (
    "Time",
    "Media file path",
    "Total length",
    "FPS",
    "Subject",
    "Behavior",
    "Behavioral category",
    "Modifiers",
    "Comment",
    "Status",
)
PLAIN_COLUMNS = (
    "video", "agent", "target", "action", "start_frame", "stop_frame", "start_s", "stop_s", "duration_s",
)  # fmt: skip
ROOM = 1e-4
"""Added to a frame's time before it is written with four decimals, so that ⌊time × fps⌋ is the frame."""


def write_boris(table: BoutTable, path: Path) -> list[Path]:
    """Write tabular events of all videos into one CSV file, START and STOP in the order of time.

    Raises:
        UserError: the file cannot be written.
    """
    with replace_atomically(path, "w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(BORIS_COLUMNS)
        for video, length in table.lengths.items():
            events = []
            for row in table.of(video):
                modifier = "" if row.target in ("self", "") else row.target
                about = row.agent or NOBODY, row.action, modifier
                # at the same time, what ends comes before what begins
                events += [(row.stop, 0, about, "STOP"), (row.start, 1, about, "START")]
            for frame, _, (subject, action, modifier), status in sorted(events):
                time = f"{frame / length.frames_per_second + ROOM:.4f}"
                media, total = f"{video}.mp4", f"{length.seconds:.3f}"
                rate = f"{length.frames_per_second:g}"
                writer.writerow(
                    [time, media, total, rate, subject, action, "", modifier, "", status]
                )
    return [path]


def write_plain(table: BoutTable, path: Path) -> list[Path]:
    """Write one row per bout, in frames and seconds.

    Raises:
        UserError: the file cannot be written.
    """
    with replace_atomically(path, "w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(PLAIN_COLUMNS)
        for row in table.rows:
            rate = table.lengths[row.video].frames_per_second
            times = [f"{frame / rate:.4f}" for frame in (row.start, row.stop, row.stop - row.start)]
            writer.writerow([*row, *times])
    return [path]


def write_simba(table: BoutTable, folder: Path) -> list[Path]:
    """Write a table for each video with one row per frame and a column of 0 and 1 per behaviour.

    The columns are those that SimBA's ``machine_results`` has for behaviours; poses and features are not
    repeated.

    Raises:
        UserError: a file cannot be written.
    """
    kinds = sorted({row.what for row in table.rows})
    names = _column_names(kinds)
    written = []
    for video, length in table.lengths.items():
        rows = table.of(video)
        flags = np.zeros((length.frames, len(kinds)), np.int8)
        for row in rows:
            flags[row.start : row.stop, kinds.index(row.what)] = 1
        path = folder / f"{video}.csv"
        with replace_atomically(path, "w") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["frame", *names])
            writer.writerows([frame, *row] for frame, row in enumerate(flags.tolist()))
        written.append(path)
    return written


def _column_names(kinds: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return the action of each column, with who and whom where several do the same."""
    actions = [action for _, _, action in kinds]
    return [
        action if actions.count(action) == 1 else "_".join(filter(None, (agent, target, action)))
        for agent, target, action in kinds
    ]


def write_nwb(table: BoutTable, folder: Path) -> list[Path]:
    """Write an NWB file for each video, its bouts as a table of intervals in the module ``behavior``.

    The table is ``TimeIntervals`` of NWB's core with columns ``behavior``, ``agent`` and ``target``, which
    every reader knows. The extension ndx-ethogram has had one release (0.1.0) and is not used.

    Raises:
        DataError: pynwb is not installed.
        UserError: a file cannot be written.
    """
    try:
        import pynwb
    except ImportError as error:
        raise DataError(
            "writing NWB needs pynwb; install it with pip install 'mabe[poses]'"
        ) from error
    written = []
    for video, length in table.lengths.items():
        path = folder / f"{video}.nwb"
        document = _document(pynwb, video, table.of(video), length)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".nwb-", dir=folder) as beside:
                draft = Path(beside, path.name)
                with pynwb.NWBHDF5IO(str(draft), "w") as io:
                    io.write(document)
                draft.replace(path)
        except OSError as error:
            raise UserError(f"{path}: cannot be written ({error.strerror or error})") from error
        written.append(path)
    return written


def _document(pynwb: Any, video: str, rows: Sequence[BoutRow], length: VideoLength) -> Any:
    document = pynwb.NWBFile(
        session_description=f"Behaviour in the video {video}; when it was filmed is not known",
        identifier=video,
        session_start_time=dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
    )
    bouts = pynwb.epoch.TimeIntervals(
        name="bouts",
        description=f"Bouts of behaviour; {length.frames_per_second:g} frames a second",
    )
    for name, words in (
        ("behavior", "name of the behaviour"),
        ("agent", "who acts; empty if not known"),
        ("target", "on whom; self for an animal alone, empty if not known"),
    ):
        bouts.add_column(name=name, description=words)
    for row in rows:
        times = (frame / length.frames_per_second for frame in (row.start, row.stop))
        start, stop = times
        bouts.add_row(
            start_time=start,
            stop_time=stop,
            behavior=row.action,
            agent=row.agent,
            target=row.target,
        )
    module = document.create_processing_module(name="behavior", description="Bouts of behaviour")
    if rows:  # pynwb writes no column without a value
        module.add(bouts)
    return document


EXPORTERS: dict[str, tuple[Callable[[BoutTable, Path], list[Path]], bool]] = {
    "boris": (write_boris, False),
    "csv": (write_plain, False),
    "simba": (write_simba, True),
    "nwb": (write_nwb, True),
}
"""Name → what writes it, and whether it writes a folder."""
