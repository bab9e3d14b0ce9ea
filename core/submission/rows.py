"""Turn the bouts found in one video into rows that the competition accepts and that do not cost points."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.data.competition import Bouts, LabeledBehavior, Video
from core.data.listed import mouse_names
from core.evaluation.competition import SUBMISSION_COLUMNS
from core.evaluation.pair_probabilities import PairProbabilities
from core.submission.lab_actions import LabActions


@dataclass(frozen=True, slots=True, eq=False)
class VideoRows:
    """The rows of one video, and what was left out."""

    table: pd.DataFrame
    """One row per bout, of :data:`~core.evaluation.competition.SUBMISSION_COLUMNS`, sorted by agent,
    target and start."""
    unlisted: int
    """Bouts of behaviours that the competition ignores: not on the video's whitelist, or unscored."""
    never_annotated: int
    """Listed bouts of actions that the lab has never annotated, which would cost points."""


def scored_behaviors(video: Video) -> dict[LabeledBehavior, None]:
    """Return the behaviours of a video for which predictions count, in the order of its whitelist."""
    return dict.fromkeys(each for each in video.behaviors if each not in video.unscored)


def scored_only(video: Video, probabilities: PairProbabilities) -> PairProbabilities:
    """Return probabilities without those of behaviours that the competition ignores.

    Decided upon, they would take frames from other actions of the pair. What is not changed is not copied.
    """
    ignored = [
        (pair, probabilities.actions.index(action))
        for pair, key in enumerate(
            zip(probabilities.agents.tolist(), probabilities.targets.tolist(), strict=True)
        )
        for agent, target, action in video.unscored
        if key == (agent, target) and action in probabilities.actions
    ]
    if not ignored:
        return probabilities
    values = probabilities.values.copy()
    for pair, action in ignored:
        values[pair, :, action] = np.nan
    return replace(probabilities, values=values)


def submission_rows(
    video: Video, bouts: Bouts, frames: int, lab_actions: LabActions | None = None
) -> VideoRows:
    """Return the rows to submit for one video.

    Bouts are cut to the video. Where two of one agent and target overlap, the one that comes first in
    ``bouts`` keeps the frames. Bouts of one action that touch or overlap become one row.

    Args:
        video: its ``behaviors_labeled`` is the whitelist; entries with stray quotes do not count.
        bouts: what was found, in any order, unsorted and overlapping bouts included.
        frames: the video's length: its last tracked frame + 1.
        lab_actions: the actions that each lab has annotated; ``None`` to trust the whitelist alone.
    """
    listed = scored_behaviors(video)
    pairs: dict[tuple[int, int], list[int]] = {}
    unlisted = never_annotated = 0
    keys = zip(bouts.agent.tolist(), bouts.target.tolist(), bouts.action.tolist(), strict=True)
    for number, (agent, target, action) in enumerate(keys):
        if LabeledBehavior(agent, target, action) not in listed:
            unlisted += 1
        elif lab_actions is not None and not lab_actions.allows(video.lab_id, action):
            never_annotated += 1
        else:
            pairs.setdefault((agent, target), []).append(number)
    rows = [
        (*_ids(video, agent, target), action, start, stop)
        for (agent, target), chosen in sorted(pairs.items())
        for action, start, stop in _without_overlap(bouts, np.array(chosen), frames)
    ]
    table = pd.DataFrame(rows, columns=SUBMISSION_COLUMNS)
    return VideoRows(table, unlisted, never_annotated)


def harmless_row(
    video: Video, frames: int, lab_actions: LabActions | None = None
) -> pd.DataFrame | None:
    """Return one row that the competition accepts; ``None`` if no behaviour of the video can score.

    A file without rows is rejected. Where a submission would score 0 anyway, this row cannot cost points.
    """
    for agent, target, action in scored_behaviors(video):
        if frames > 0 and (lab_actions is None or lab_actions.allows(video.lab_id, action)):
            row = (*_ids(video, agent, target), action, 0, 1)
            return pd.DataFrame([row], columns=SUBMISSION_COLUMNS)
    return None


def _ids(video: Video, agent: int, target: int) -> tuple[str, str, str]:
    return video.video_id, *mouse_names(agent, target)


def _without_overlap(
    bouts: Bouts, chosen: NDArray[np.int64], frames: int
) -> Iterator[tuple[str, int, int]]:
    """Yield the action, start and stop of the disjoint bouts of one agent and target, by start."""
    names, code = np.unique(bouts.action[chosen].astype(str), return_inverse=True)
    start, stop = (edge[chosen].clip(0, frames) for edge in (bouts.start, bouts.stop))
    of_frame = np.full(frames, -1, np.int16)
    for number in range(len(chosen) - 1, -1, -1):
        of_frame[start[number] : stop[number]] = code[number]
    edges = np.flatnonzero(np.diff(of_frame, prepend=-1, append=-1))
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if of_frame[first] >= 0:
            yield str(names[of_frame[first]]), first, last
