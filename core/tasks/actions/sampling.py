"""Which windows a batch holds; this depends only on the seed, the epoch and the batch's number."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.frames.sampling import Stream, generator
from core.frames.windows import Indices
from core.tasks.actions.pair_rows import PairRows

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of rows, as columns ``(windows,)``."""

    row: Indices
    start: Floats
    """Frame number of the video at which the window begins."""
    step: Floats
    """Frames of the video between two frames of the window."""


@dataclass(frozen=True, slots=True)
class _Pool:
    """What windows of one kind (mice alone, or pairs) are drawn from."""

    rows_of_lab: list[Indices]
    frames_of_lab: list[Floats]
    """Running totals of those rows' frames on the timeline."""
    bouts_of_lab: list[list[Indices]]
    """For each lab, the bouts of each of its actions that has any."""


class WindowSampler:
    """Draws training windows: first a lab, uniformly, then a place in it.

    Windows drawn around a bout show all actions of a lab equally often, and all bouts of an action. Every
    batch has the same share of pairs: that of pair actions among all (lab, action) that can be learned.

    Args:
        rows: rows of the training videos; untracked ones are never drawn.
        labs: ``(rows,)`` number of the row's lab.
        frames: ``(rows,)`` frames of the row's video.
        ratio: ``(rows,)`` the video's frame rate divided by the model's.
        window: frames of a window.
        positive_share: share of the windows that are drawn around a bout.
        time_stretch: share by which a window may be played faster or slower.
        seed: seed of the run.
    """

    def __init__(
        self,
        rows: PairRows,
        labs: Indices,
        frames: Indices,
        ratio: Floats,
        window: int,
        positive_share: float,
        time_stretch: float,
        seed: int,
    ) -> None:
        self._rows, self._frames, self._ratio = rows, frames, ratio
        self._window, self._seed = window, seed
        self._positive_share, self._stretch = positive_share, time_stretch
        self._row_of_bout = np.repeat(np.arange(len(rows)), np.diff(rows.bout_from))
        timeline = np.where(rows.tracked, frames / ratio, 0)
        kinds = (rows.is_pair, ~rows.is_pair)
        self._pools = [self._pool(kind & rows.tracked, labs, timeline) for kind in kinds]
        keys = [sum(len(actions) for actions in pool.bouts_of_lab) for pool in self._pools]
        some = [bool(pool.rows_of_lab) for pool in self._pools]
        weights = [max(key, 1) * there for key, there in zip(keys, some, strict=True)]
        self._pair_share = weights[0] / max(1, sum(weights))
        self._always = all(some)
        self.timeline_frames = float(timeline.sum())
        """Frames of all rows on the model's timeline."""

    def draw(self, epoch: int, number: int, count: int) -> Windows:
        """Draw the windows of a batch, those of pairs first.

        Args:
            epoch: number of the epoch.
            number: number of the batch in the epoch.
            count: windows in the batch.
        """
        random = generator(self._seed, epoch, Stream.PLACE, number)
        pairs = round(self._pair_share * count)
        if self._always and count > 1:
            pairs = min(max(pairs, 1), count - 1)
        found = [
            self._one(pool, random.random(6))
            for pool, windows in zip(self._pools, (pairs, count - pairs), strict=True)
            for _ in range(windows)
        ]
        row, start, step = (np.array(column) for column in zip(*found, strict=True))
        return Windows(row, start, step)

    def _one(self, pool: _Pool, draw: Floats) -> tuple[int, float, float]:
        """Draw one window from six numbers in [0, 1)."""
        positive, lab_draw, first, second, third, stretch = draw.tolist()
        lab = _pick(lab_draw, len(pool.rows_of_lab))
        actions = pool.bouts_of_lab[lab]
        if positive < self._positive_share and actions:
            bouts = actions[_pick(first, len(actions))]
            second, within = _split(second, len(bouts))
            bout = bouts[second]
            row = int(self._row_of_bout[bout])
            begin, stop = int(self._rows.bout_start[bout]), int(self._rows.bout_stop[bout])
            frame = begin + _pick(within, stop - begin)
            before = _pick(third, self._window)
        else:
            totals = pool.frames_of_lab[lab]
            place = int(np.searchsorted(totals, first * totals[-1], side="right"))
            row = int(pool.rows_of_lab[lab][min(place, len(totals) - 1)])
            frame = _pick(second, int(self._frames[row]))
            before = _pick(third, self._window)
        step = float(self._ratio[row]) * (1 + self._stretch) ** (2 * stretch - 1)
        # A window stays within its video, or covers it.
        free = (int(self._frames[row]) - 1) - (self._window - 1) * step
        start = min(max(frame - before * step, min(free, 0.0)), max(free, 0.0))
        return row, float(np.floor(start)), step

    def _pool(self, kind: npt.NDArray[np.bool_], labs: Indices, timeline: Floats) -> _Pool:
        present = np.unique(labs[kind])
        rows_of_lab = [np.flatnonzero(kind & (labs == lab)) for lab in present]
        bout_lab = np.where(kind[self._row_of_bout], labs[self._row_of_bout], -1)
        bouts_of_lab = []
        for lab in present:
            bouts = np.flatnonzero(bout_lab == lab)
            actions = self._rows.bout_action[bouts]
            bouts_of_lab.append([bouts[actions == action] for action in np.unique(actions)])
        totals = [np.cumsum(timeline[rows]) for rows in rows_of_lab]
        return _Pool(rows_of_lab, totals, bouts_of_lab)


def _pick(draw: float, count: int) -> int:
    """Return an integer below ``count``, chosen by a draw from [0, 1)."""
    return min(int(draw * count), count - 1)


def _split(draw: float, count: int) -> tuple[int, float]:
    """Return an integer below ``count``, and what is left of the draw as another one from [0, 1)."""
    place = _pick(draw, count)
    return place, min(max(draw * count - place, 0.0), 1 - 1e-12)
