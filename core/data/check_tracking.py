"""What `mabe data check` says of the tracking of one video: its points, mice and body parts."""

import numpy as np
import numpy.typing as npt

from core.data.anatomy import misplaced
from core.data.competition import Tracking, Video
from core.data.findings import Findings
from core.data.keypoints import is_known
from core.data.odd_rows import odd_rows
from core.data.swaps import find_swaps


def check_tracking(
    video: Video, tracking: Tracking, slots: tuple[str, ...], file: str, findings: Findings
) -> None:
    """Count everything odd in the tracking of one video.

    Args:
        video: its row of the table.
        tracking: its positions.
        slots: body part of each keypoint index.
        file: the name of the tracking file in the report.
        findings: where to count.
    """
    name = video.video_id
    at_origin = bool((tracking.positions == 0).all(axis=-1).any())
    if tracking.non_finite or tracking.far_off or tracking.duplicates or at_origin:
        for code, rows in odd_rows(video.tracking_path, slots, tracking.mouse_ids).items():
            findings.add_rows(code, file, rows, name)
    findings.add("points_outside", file, _count_outside(video, tracking.positions), name)
    if tracking.first_frame:
        findings.add("late_start", f"{file}: starts at frame {tracking.first_frame}", 1, name)
    for part, count in tracking.dropped.items():
        if is_known(part):
            findings.add("dropped_points", f"{file}: {part}", count, name)
        else:
            findings.add("unknown_body_part", f"{file}: {part} ({count} points)", 1, name)
    expected = video.frames_per_second * video.duration_seconds
    if abs(tracking.frames - expected) > max(video.frames_per_second, 0.01 * expected):
        place = f"{file}: {tracking.frames} frames, fps × duration is {expected:.0f}"
        findings.add("frames_disagree", place, 1, name)
    _check_mice(video, tracking, file, findings)
    swaps = find_swaps(tracking.positions[:, : len(tracking.mouse_ids)])
    ids = tracking.mouse_ids
    for swap in swaps:
        pair = f"mouse{ids[swap.first]} and mouse{ids[swap.second]}"
        findings.add("identity_swaps", f"{file}: {pair} at frame {swap.frame}", 1, name)
    check_anatomy(video, tracking, slots, file, findings)


def check_anatomy(
    video: Video, tracking: Tracking, slots: tuple[str, ...], file: str, findings: Findings
) -> None:
    """Name the body parts that cannot be what they are called; see :func:`check_tracking`."""
    wrong = {
        mouse: parts
        for place, mouse in enumerate(tracking.mouse_ids)
        if (parts := misplaced(tracking.positions[:, place], slots))
    }
    if wrong:
        named = "; ".join(f"mouse{mouse}: {', '.join(parts)}" for mouse, parts in wrong.items())
        findings.add("misplaced_parts", f"{file}: {named}", 1, video.video_id)


def _check_mice(video: Video, tracking: Tracking, file: str, findings: Findings) -> None:
    if tracking.left_out:
        findings.add("mice_left_out", f"{file}: {_mice(tracking.left_out)}", 1, video.video_id)
    tracked = {*tracking.mouse_ids, *tracking.left_out}
    if untracked := {mouse for entry in video.behaviors for mouse in entry[:2]} - tracked:
        place = f"train.csv, line {video.row}: {_mice(untracked)}; tracked: {_mice(tracked)}"
        findings.add("untracked_mouse", place, 1, video.video_id)


def _mice(ids: tuple[int, ...] | set[int]) -> str:
    return ", ".join(f"mouse{mouse}" for mouse in sorted(ids))


def _count_outside(video: Video, positions: npt.NDArray[np.float32]) -> int:
    """Count the points outside the picture; missing points compare as inside."""
    outside = (positions < 0).any(axis=-1)
    for axis, size in enumerate((video.width, video.height)):
        if size is not None:
            outside |= positions[..., axis] > size
    return int(np.count_nonzero(outside))
