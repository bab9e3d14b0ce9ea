"""What `mabe data check` says of the bouts of one video."""

import numpy as np

from core.data.competition import Bouts, Tracking, Video
from core.data.findings import Findings
from core.data.labels import ACTIONS, SELF_ACTIONS

OUTLASTS = 1.05
"""Labels that exceed their video's length by this factor cannot be a careless last click."""


def known_mice(video: Video, tracking: Tracking | None) -> set[int]:
    """Return the mice of a video: those tracked, else all that its row names."""
    if tracking is not None:
        return {*tracking.mouse_ids, *tracking.left_out}
    return {*video.mice, *(mouse for behavior in video.behaviors for mouse in behavior[:2])}


def check_bouts(
    video: Video, bouts: Bouts, frames: int, mice: set[int], file: str, findings: Findings
) -> None:
    """Count everything odd in the bouts of one video.

    Args:
        video: its row of the table.
        bouts: its bouts.
        frames: its length.
        mice: the mice it has.
        file: the name of the annotation file in the report.
        findings: where to count.
    """
    known = np.array(sorted(mice), np.int64)
    alone = np.isin(bouts.action.astype(str), SELF_ACTIONS)
    paired = np.isin(bouts.action.astype(str), ACTIONS) & ~alone
    same = bouts.agent == bouts.target
    wrong = {
        "zero_length_bouts": bouts.stop == bouts.start,
        "reversed_bouts": bouts.stop < bouts.start,
        "bouts_before_start": bouts.start < 0,
        "bouts_past_end": bouts.stop > frames,
        "self_and_pair_mixed": (alone & ~same) | (paired & same),
    }
    for code, rows in wrong.items():
        findings.add_rows(code, file, np.flatnonzero(rows).tolist(), video.video_id)
    strange = ~(np.isin(bouts.agent, known) & np.isin(bouts.target, known))
    named = {*bouts.agent[strange].tolist(), *bouts.target[strange].tolist()} - mice
    note = ": " + ", ".join(f"mouse{mouse}" for mouse in sorted(named))
    findings.add_rows("unknown_mouse", file, np.flatnonzero(strange), video.video_id, note)
    last = int(bouts.stop.max(initial=0))
    if last > OUTLASTS * frames:
        place = f"{file}: labels to frame {last} of {frames}"
        findings.add("labels_outlast_video", place, 1, video.video_id)


def gaps_between(bouts: Bouts) -> dict[str, int]:
    """Count how the bouts of one (agent, target) follow each other."""
    order = np.lexsort((bouts.start, bouts.target, bouts.agent))
    agent, target = bouts.agent[order], bouts.target[order]
    follows = (agent[1:] == agent[:-1]) & (target[1:] == target[:-1])
    gap = (bouts.start[order][1:] - bouts.stop[order][:-1])[follows]
    return {"bouts": len(bouts), "none": int((gap == 0).sum()), "one frame": int((gap == 1).sum())}
