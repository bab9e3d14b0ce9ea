"""A random schedule of bouts (agent, action, target) with given class shares.

A schedule contains no positions. The simulator moves the mice to where their bouts need them, so
a real annotation can be used in its place.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core.data.synthetic.patterns import CLASS_OF, CLASSES
from core.data.synthetic.settings import SyntheticSettings


@dataclass(frozen=True, slots=True)
class PlannedBout:
    """One interval of one action; ``start`` inclusive, ``stop`` exclusive, in frames."""

    agent: int
    """Mouse id, from 1."""
    target: int
    """Mouse id; the agent's own for an action of one mouse."""
    action: str
    start: int
    stop: int
    labelled: bool = True
    """Whether the annotator labelled it; the mice act it out in either case."""


@dataclass(slots=True)
class _EpisodePart:
    action: str
    frames: int


Episode = list[_EpisodePart]
"""Bouts of one agent towards one target without a gap between them."""

UNIT_SECONDS = 1.0
"""Frames are allocated to videos in pieces of this length, so that rare classes come as whole bouts."""
MEDIAN_SECONDS = {"social": 2.5, "mating": 4.0, "aggressive": 2.2}
"""Median length of one class's part of an episode; lengths are log-normal, as real ones nearly are."""
LENGTH_SPREAD = 0.5
"""Standard deviation of the logarithm of those lengths."""
SHORTEST_SECONDS = 0.3
CHANGE_OF_HEART = {"mating": 0.6, "aggressive": 0.4}
"""Probability that mating and fighting directly follow sniffing of the same mouse."""
QUIET_SECONDS = 2.0
"""No unlabelled bout begins within this time before an episode, whose agent may be on its way."""
SELF_ACTIONS = ("rear", "selfgroom", "run", "dig", "rest")
SNIFFS = ("sniff", "sniffbody", "sniffface", "sniffgenital")


def random_schedule(
    settings: SyntheticSettings, video: int, rng: np.random.Generator
) -> tuple[PlannedBout, ...]:
    """Draw the bouts of one video.

    Over all videos, the share of each class is the requested one, to within one piece of
    ``UNIT_SECONDS`` per class and the annotator's jitter.

    Returns:
        Bouts in the order of their starts; those with ``labelled`` false are decoys.
    """
    episodes = _glue(
        {
            name: _episodes(name, _budget(settings, name, video), settings.fps, rng)
            for name in CLASSES[1:]
        },
        rng,
    )
    starts = _starts([_length(episode) for episode in episodes], settings, rng)
    bouts: list[PlannedBout] = []
    free_from = 0
    for episode, start in zip(episodes, starts, strict=True):
        bouts += _alone(settings, free_from, start, rng)
        pair = rng.permutation(settings.mice)[:2] + 1
        bouts += _place(episode, start, (int(pair[0]), int(pair[1])), settings, rng)
        free_from = start + _length(episode)
    bouts += _alone(settings, free_from, settings.frames, rng)
    return tuple(_apart(sorted(bouts, key=lambda bout: (bout.start, bout.agent, bout.target))))


def _apart(bouts: Iterable[PlannedBout]) -> Iterator[PlannedBout]:
    """Let a pair's bout begin where its last one ended: jitter may move both into a narrow gap."""
    ends: dict[tuple[int, int], int] = {}
    for bout in bouts:
        pair = bout.agent, bout.target
        start = max(bout.start, ends.get(pair, 0))
        if start < bout.stop:
            yield replace(bout, start=start)
            ends[pair] = bout.stop


def _budget(settings: SyntheticSettings, name: str, video: int) -> int:
    """Return the frames of a class in a video: its piece of one running total over all videos."""
    share = float(getattr(settings.shares, name))
    unit = max(1, min(round(UNIT_SECONDS * settings.fps), settings.frames // 10))
    each = share * settings.frames / unit
    return unit * (math.floor(each * (video + 1) + 0.5) - math.floor(each * video + 0.5))


def _episodes(name: str, budget: int, fps: float, rng: np.random.Generator) -> list[Episode]:
    shortest = max(1, round(SHORTEST_SECONDS * fps))
    episodes: list[Episode] = []
    while budget > 0:
        length = round(MEDIAN_SECONDS[name] * fps * math.exp(LENGTH_SPREAD * rng.standard_normal()))
        length = max(shortest, length)
        if budget - length < shortest:
            length = budget
        episodes.append(_parts(name, length, shortest, rng))
        budget -= length
    return episodes


def _parts(name: str, length: int, shortest: int, rng: np.random.Generator) -> Episode:
    """Divide an episode of one class among that class's actions."""
    draw = rng.random()
    if name == "social":
        first, second = "approach", "follow" if draw < 0.2 else str(rng.choice(SNIFFS))
        share = 0.25 + 0.15 * rng.random()
    elif name == "mating":
        first, second = ("mount", "intromit") if draw < 0.5 else ("attemptmount", "mount")
        share = 0.5 if draw < 0.5 else 0.2
    else:
        first, second = ("chase", "attack") if draw < 0.7 else ("attack", "chase")
        share = 0.4 if draw < 0.7 else 0.6
    head = round(share * length)
    if min(head, length - head) < shortest:
        return [_EpisodePart(second, length)]
    return [_EpisodePart(first, head), _EpisodePart(second, length - head)]


def _glue(by_class: dict[str, list[Episode]], rng: np.random.Generator) -> list[Episode]:
    """Join some episodes of mating and fighting to a social one before them, and shuffle all."""
    social = by_class["social"]
    glued: list[Episode] = []
    for name, chance in CHANGE_OF_HEART.items():
        for episode in by_class[name]:
            before = social.pop() if social and rng.random() < chance else []
            glued.append(before + episode)
    glued += social
    return [glued[index] for index in rng.permutation(len(glued))]


def _length(episode: Episode) -> int:
    return sum(part.frames for part in episode)


def _starts(
    lengths: Sequence[int], settings: SyntheticSettings, rng: np.random.Generator
) -> list[int]:
    """Spread the episodes over the video with random gaps, none much shorter than the others."""
    spare = settings.frames - sum(lengths)
    weights = 0.35 + rng.exponential(size=len(lengths) + 1)
    gaps = np.floor(np.cumsum(weights) / weights.sum() * max(spare, 0)).astype(int)
    before = np.concatenate(([0], np.cumsum(lengths)[:-1])) if lengths else np.empty(0, int)
    return [int(start) for start in gaps[:-1] + before]


def _place(
    episode: Episode,
    start: int,
    pair: tuple[int, int],
    settings: SyntheticSettings,
    rng: np.random.Generator,
) -> list[PlannedBout]:
    """Convert an episode to bouts; jitter moves each inner and outer edge once."""
    edges = start + np.concatenate(([0], np.cumsum([part.frames for part in episode])))
    jitter = rng.standard_normal(len(edges)) * settings.label_jitter_seconds * settings.fps
    shortest = min(part.frames for part in episode)
    edges = edges + np.round(np.clip(jitter, -0.3 * shortest, 0.3 * shortest)).astype(int)
    edges = np.clip(edges, 0, settings.frames)
    return [
        PlannedBout(*pair, part.action, int(first), int(last))
        for part, first, last in zip(episode, edges[:-1], edges[1:], strict=True)
        if last > first
    ]


def _alone(
    settings: SyntheticSettings, start: int, stop: int, rng: np.random.Generator
) -> list[PlannedBout]:
    """Fill a gap between episodes with actions of single mice and unlabelled visits."""
    bouts: list[PlannedBout] = []
    end = stop - round(QUIET_SECONDS * settings.fps)
    for mouse in range(1, settings.mice + 1):
        at = start + round(rng.exponential(2.0) * settings.fps)
        while at < end:
            length = max(1, round((0.5 + rng.exponential(1.2)) * settings.fps))
            last = min(at + length, end)
            if rng.random() < 0.2:
                other = (mouse + int(rng.integers(1, settings.mice)) - 1) % settings.mice + 1
                bouts.append(PlannedBout(mouse, other, "approach", at, last, labelled=False))
            else:
                action = SELF_ACTIONS[int(rng.integers(len(SELF_ACTIONS)))]
                bouts.append(PlannedBout(mouse, mouse, action, at, last))
            at = last + round(rng.exponential(5.0) * settings.fps)
    return bouts


def class_frames(bouts: Iterable[PlannedBout], frames: int) -> npt.NDArray[np.int64]:
    """Count the frames of each class of :data:`CLASSES`; the higher class wins where bouts overlap.

    Bouts are clipped to the video.
    """
    labels = np.zeros(frames, np.int8)
    found = [(CLASSES.index(CLASS_OF.get(b.action, "other")), b) for b in bouts if b.labelled]
    for index, bout in sorted(found, key=lambda pair: pair[0]):
        labels[max(bout.start, 0) : max(bout.stop, 0)] = index
    return np.bincount(labels, minlength=len(CLASSES))
