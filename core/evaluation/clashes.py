"""Frames that a submission gives to two actions of one agent on one target, which rejects it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.evaluation.intervals import Intervals, clashing, union

KEY = ["video_id", "agent_id", "target_id", "action"]
"""Columns that tell predictions apart; their frames are sets."""


@dataclass(frozen=True, slots=True)
class Clash:
    """One frame that two actions claim; as text, with the rows that do."""

    video: str
    agent: str
    target: str
    frame: int
    claims: tuple[tuple[str, int], ...]
    """The actions that claim the frame, each with the number of the first row that does."""

    def __str__(self) -> str:
        claims = " and ".join(f"{action} (row {row})" for action, row in self.claims)
        pair = f"{self.agent} → {self.target}"
        return f"video {self.video}, {pair}, frame {self.frame} is both {claims}"


def clashes(rows: pd.DataFrame, most: int | None = None) -> tuple[list[Clash], int]:
    """Find the clashes among rows that the competition scores, each where an action's frames begin.

    The order of the rows does not matter: rows repeated under one key never clash.

    Args:
        rows: ``lab_id, video_id, agent_id, target_id, action, start_frame, stop_frame``, and ``row``,
            each row's number.
        most: how many to describe; ``None`` for all.

    Returns:
        The first clashes, by lab, video, agent and target in their order of appearance, and the number of
        all.
    """
    if rows.empty:
        return [], 0
    key = rows.groupby(["lab_id", *KEY], sort=False).ngroup().to_numpy().astype(np.int64)
    first = np.unique(key, return_index=True)[1]
    pairs = rows.groupby(["lab_id", *KEY[:-1]], sort=False).ngroup().to_numpy().astype(np.int64)
    start, stop = (rows[edge].to_numpy(np.int64) for edge in ("start_frame", "stop_frame"))
    frames = union(Intervals(key, start, stop))
    pair = pairs[first][frames.group]
    order = np.lexsort((frames.start, pair))
    by_pair = Intervals(pair[order], frames.start[order], frames.stop[order])
    places = clashing(by_pair)
    found = []
    for place in places[:most]:
        frame = int(by_pair.start[place])
        claiming = rows[(pairs == by_pair.group[place]) & (start <= frame) & (stop > frame)]
        actions = claiming.drop_duplicates("action")
        names = actions.iloc[0]
        claims = tuple((str(each.action), int(each.row)) for each in actions.itertuples())
        found.append(Clash(names.video_id, names.agent_id, names.target_id, frame, claims))
    return found, len(places)
