"""Every (agent, target) with annotated actions in every video, and its labels at any frame."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from core.data.competition import Bouts, LabeledBehavior
from core.data.manifest import PreparedVideo
from core.data.prepared import PreparedData
from core.frames.windows import Indices

UNTRACKED = -1
"""Slot of a mouse that is not tracked."""


class SeenVideo(NamedTuple):
    """What rows and measures need to know about a video that has not been prepared."""

    video_id: str
    lab_id: str
    frames: int
    frames_per_second: float
    behaviors: tuple[LabeledBehavior, ...]
    """Its whitelist."""
    mouse_ids: tuple[int, ...]
    """The mice that are tracked."""
    pixels_per_cm: float | None = None
    """``None`` where it does not matter."""


AnnotatedVideo = PreparedVideo | SeenVideo


@dataclass(frozen=True, slots=True)
class PairRows:
    """Rows ``(rows,)``, each a (video, agent, target), and the bouts of each row.

    A bout counts if its action is on the video's whitelist for its agent and target; it is clipped to the
    video's frames. Memory is a few numbers for each row and bout.
    """

    actions: tuple[str, ...]
    video: Indices
    """Index of the video in the prepared data."""
    agent: Indices
    """Number of the mouse, from 1."""
    target: Indices
    """The agent's own number where it acts alone."""
    agent_slot: Indices
    """Slot of the mouse in the positions, or :data:`UNTRACKED`."""
    target_slot: Indices
    mask: npt.NDArray[np.bool_]
    """``(rows, actions)``: which actions are annotated in the video for this agent and target."""
    bout_from: Indices
    """``(rows + 1,)``: the bouts of row i are those from ``bout_from[i]`` to ``bout_from[i + 1]``."""
    bout_action: Indices
    """``(bouts,)`` index into ``actions``."""
    bout_start: Indices
    """``(bouts,)`` frame number of the video."""
    bout_stop: Indices
    """Exclusive."""
    ignored: Counter[str] = field(default_factory=Counter)
    """Bouts that do not count because of their action, agent or target, by action."""

    @classmethod
    def of(cls, data: PreparedData, videos: Iterable[int], actions: Sequence[str]) -> Self:
        """Index the rows of some prepared videos, given by their indices; see :meth:`of_videos`."""
        found = ((video, data.videos[video], data.bouts_of(video)) for video in videos)
        return cls.of_videos(found, actions)

    @classmethod
    def of_videos(
        cls, videos: Iterable[tuple[int, AnnotatedVideo, Bouts]], actions: Sequence[str]
    ) -> Self:
        """Index the rows of some videos.

        Args:
            videos: the index of each video, its description, and its bouts.
            actions: the actions of a model, in the order of its outputs.
        """
        place = {action: number for number, action in enumerate(actions)}
        keys: list[tuple[int, ...]] = []
        masks: list[npt.NDArray[np.bool_]] = []
        bouts: list[Indices] = []
        ignored: Counter[str] = Counter()
        for video, about, annotated in videos:
            pairs = annotated_actions(about.behaviors, place)
            found, unknown = _grouped(annotated, about, pairs, place)
            ignored += unknown
            for pair, mask in pairs.items():
                keys.append((video, *pair, *(_slot(about, mouse) for mouse in pair)))
                masks.append(mask)
                bouts.append(found[pair])
        columns = np.array(keys, np.int64).reshape(-1, 5).T.copy()
        row_video, agent, target, agent_slot, target_slot = columns
        counts = [len(each) for each in bouts]
        action, start, stop = np.concatenate([np.empty((0, 3), np.int64), *bouts]).T.copy()
        return cls(
            tuple(actions),
            row_video,
            agent,
            target,
            agent_slot,
            target_slot,
            mask=np.array(masks, np.bool_).reshape(-1, len(place)),
            bout_from=np.concatenate(([0], np.cumsum(counts, dtype=np.int64))),
            bout_action=action,
            bout_start=start,
            bout_stop=stop,
            ignored=ignored,
        )

    def __len__(self) -> int:
        return len(self.video)

    @property
    def is_pair(self) -> npt.NDArray[np.bool_]:
        """``(rows,)``: whether agent and target are two mice."""
        return np.asarray(self.agent != self.target)

    @property
    def tracked(self) -> npt.NDArray[np.bool_]:
        """``(rows,)``: whether both mice are in the tracking."""
        return np.asarray((self.agent_slot != UNTRACKED) & (self.target_slot != UNTRACKED))

    def labels(self, row: int, frames: Indices) -> npt.NDArray[np.uint8]:
        """Return the actions of a row at some frames, ``(frames, actions)`` of 0 and 1.

        Args:
            row: index of the row.
            frames: ``(frames,)`` frame numbers of the video, ascending; may lie outside the video.
        """
        labels = np.zeros((len(frames), len(self.actions)), np.uint8)
        part = slice(int(self.bout_from[row]), int(self.bout_from[row + 1]))
        first = np.searchsorted(frames, self.bout_start[part])
        stop = np.searchsorted(frames, self.bout_stop[part])
        for bout in np.flatnonzero(stop > first):
            labels[first[bout] : stop[bout], self.bout_action[part][bout]] = 1
        return labels

    def action_frames(self, rows: Iterable[int]) -> npt.NDArray[np.int64]:
        """Count the frames with each action in each of some rows, ``(rows, actions)``."""
        chosen = list(rows)
        counts = np.zeros((len(chosen), len(self.actions)), np.int64)
        for place, row in enumerate(chosen):
            part = slice(int(self.bout_from[row]), int(self.bout_from[row + 1]))
            action, start, stop = (
                column[part] for column in (self.bout_action, self.bout_start, self.bout_stop)
            )
            for one in np.unique(action):
                mine = action == one
                reached = np.concatenate(([0], np.maximum.accumulate(stop[mine])[:-1]))
                lengths = stop[mine] - np.maximum(start[mine], reached)
                counts[place, one] = lengths.clip(min=0).sum()
        return counts


def annotated_actions(
    behaviors: Iterable[LabeledBehavior], place: Mapping[str, int]
) -> dict[tuple[int, int], npt.NDArray[np.bool_]]:
    """Return which actions a whitelist has for each (agent, target), sorted by agent and target.

    Args:
        behaviors: the whitelist.
        place: action → index of a model's output; other actions are ignored.
    """
    masks: dict[tuple[int, int], npt.NDArray[np.bool_]] = {}
    for agent, target, action in sorted(behaviors):
        if action in place:
            mask = masks.setdefault((agent, target), np.zeros(len(place), np.bool_))
            mask[place[action]] = True
    return masks


def _grouped(
    bouts: Bouts,
    video: AnnotatedVideo,
    pairs: dict[tuple[int, int], npt.NDArray[np.bool_]],
    place: dict[str, int],
) -> tuple[dict[tuple[int, int], Indices], Counter[str]]:
    """Return (action, start, stop) of the bouts of each row, and count those that belong to no row."""
    rows: dict[tuple[int, int], list[tuple[int, int, int]]] = {pair: [] for pair in pairs}
    ignored: Counter[str] = Counter()
    columns = (bouts.agent, bouts.target, bouts.start, bouts.stop)
    listed = zip(*(column.tolist() for column in columns), bouts.action, strict=True)
    for agent, target, start, stop, action in listed:
        pair, number = (agent, target), place.get(action)
        if number is None or pair not in pairs or not pairs[pair][number]:
            ignored[str(action)] += 1
            continue
        start, stop = max(start, 0), min(stop, video.frames)
        if start < stop:
            rows[pair].append((number, start, stop))
    arrays = {
        pair: np.array(sorted(found, key=lambda bout: bout[1:]), np.int64).reshape(-1, 3)
        for pair, found in rows.items()
    }
    return arrays, ignored


def _slot(video: AnnotatedVideo, mouse: int) -> int:
    return video.mouse_ids.index(mouse) if mouse in video.mouse_ids else UNTRACKED
