"""Write imported videos in the competition's layout, one at a time."""

import csv
import json
from pathlib import Path

import msgspec

from core.data.importers.conversion import (
    Converted,
    Omissions,
    annotated,
    convert_video,
)
from core.data.importers.formats import SourceContent
from core.data.importers.mapping import Mapping
from core.data.importers.pairing import Pairing, VideoPlan, pair
from core.data.importers.recording import seen
from core.data.writer import (
    annotation_path,
    behaviours_labelled,
    tracking_path,
    write_annotation,
    write_tracking,
    write_train_csv,
)
from core.errors import DataError
from core.system.files import check_writable
from core.system.lock import in_turn
from core.system.progress import Progress

LOCK = ".lock"
DESCRIBED_MICE = 4
"""Mice that the table has columns for."""


class ImportedVideo(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one video."""

    id: str
    source: str
    format: str
    labels: tuple[str, ...]
    """Files of its labels."""
    frames: int
    frames_per_second: float
    pixels_per_cm: float | None
    mice: tuple[int, ...]
    body_parts: tuple[str, ...]
    points: int
    bouts: int
    bouts_per_action: dict[str, int]
    swaps: tuple[int, ...]
    """Frames at which the tracker exchanged two mice."""
    swaps_repaired: bool
    omitted: Omissions
    notes: tuple[str, ...]


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an import wrote and left out."""

    folder: str
    videos: tuple[ImportedVideo, ...]
    unmatched_labels: dict[str, int]
    """Labels of videos that are not there: name → events."""
    skipped: tuple[str, ...]
    """Files of the folders that were not read, each with the reason."""
    notes: tuple[str, ...]


def import_videos(
    found: SourceContent,
    mapping: Mapping,
    folder: Path,
    *,
    force: bool = False,
    repair: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Write all videos into ``folder``; those that are there already stay.

    ``train.csv`` is written last, so that a folder that was interrupted does not list half a video.

    Args:
        found: the files' content.
        mapping: a complete mapping.
        folder: new, or in the competition's layout.
        force: replace videos of the same lab and id.
        repair: undo exchanges of two mice.
        progress: called with (done, total, what).

    Raises:
        UserError: the folder cannot be written to.
        ConfigError, DataError: see :func:`core.data.importers.pairing.pair` and
            :func:`core.data.importers.conversion.convert_video`; or a video is there already.
    """
    pairing = pair(found, mapping)
    check_writable(folder / "train.csv")
    with in_turn(folder / LOCK, progress, "waiting for another import into this folder"):
        rows = _rows(folder)
        _check_new(pairing, rows, folder, force)
        imported = []
        sheets = [sheet for plan in pairing.videos for sheet in plan.sheets]
        labelled = behaviours_labelled(annotated(sheets, mapping.labels))
        for done, plan in enumerate(pairing.videos, start=1):
            video = convert_video(plan, mapping, repair)
            report, row = _write(folder, plan, video, mapping, labelled, repair)
            rows[plan.id] = row
            imported.append(report)
            if progress is not None:
                progress(done, len(pairing.videos), "videos")
        write_train_csv(folder / "train.csv", rows.values())
    return ImportReport(
        folder=str(folder),
        videos=tuple(imported),
        unmatched_labels={sheet.name: len(sheet.events) for sheet in pairing.unmatched},
        skipped=found.skipped,
        notes=pairing.notes,
    )


def _rows(folder: Path) -> dict[str, dict[str, object]]:
    """Return the rows of the folder's table by video; none if there is no table yet."""
    path = folder / "train.csv"
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {row["video_id"]: dict(row) for row in csv.DictReader(file)}
    except (OSError, UnicodeError, KeyError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a table of videos ({error})") from error


def _check_new(
    pairing: Pairing, rows: dict[str, dict[str, object]], folder: Path, force: bool
) -> None:
    there = [plan.id for plan in pairing.videos if plan.id in rows]
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise DataError(f"{folder}: has video {there[0]!r}{more} already; --force replaces it")


def _write(
    folder: Path,
    plan: VideoPlan,
    video: Converted,
    mapping: Mapping,
    labelled: str,
    repaired: bool,
) -> tuple[ImportedVideo, dict[str, object]]:
    there = seen(video.positions)
    write_tracking(
        tracking_path(folder, mapping.lab, plan.id), video.positions, there, video.parts, video.mice
    )
    annotation = annotation_path(folder, mapping.lab, plan.id)
    if plan.sheets:
        write_annotation(annotation, video.bouts)
    else:
        annotation.unlink(missing_ok=True)
    recording = plan.recording
    scale = plan.settings.pix_per_cm or mapping.scale.pixels_per_cm() or recording.pixels_per_cm
    size = mapping.picture or recording.size
    frames, rate = len(video.positions), plan.frames_per_second
    row: dict[str, object] = {
        "lab_id": mapping.lab,
        "video_id": plan.id,
        **{f"mouse{mouse}_id": mouse for mouse in video.mice if mouse <= DESCRIBED_MICE},
        "frames_per_second": rate,
        "video_duration_sec": round(frames / rate, 4),
        "pix_per_cm_approx": "" if scale is None else scale,
        "body_parts_tracked": json.dumps(sorted(video.parts)),
        "behaviors_labeled": labelled if plan.sheets else "",
        "tracking_method": recording.format.split()[0],
    }
    if size is not None:
        row |= {"video_width_pix": round(size[0]), "video_height_pix": round(size[1])}
    per_action: dict[str, int] = {}
    for bout in video.bouts:
        per_action[bout.action] = per_action.get(bout.action, 0) + 1
    report = ImportedVideo(
        id=plan.id,
        source=str(recording.path),
        format=recording.format,
        labels=tuple(dict.fromkeys(str(sheet.path) for sheet in plan.sheets)),
        frames=frames,
        frames_per_second=rate,
        pixels_per_cm=scale,
        mice=video.mice,
        body_parts=video.parts,
        points=int(there.sum()),
        bouts=len(video.bouts),
        bouts_per_action=per_action,
        swaps=tuple(swap.frame for swap in video.swaps),
        swaps_repaired=repaired and bool(video.swaps),
        omitted=video.omissions,
        notes=(*recording.notes, *(note for sheet in plan.sheets for note in sheet.notes)),
    )
    return report, row
