"""Classes of frames as the competition's actions, so that a classifier of frames can be submitted.

A class says neither which of its actions it is nor who does it to whom. One action stands for each class:
the first of the experiment's ``[actions]`` that the pair's whitelist has. It gets the class's probability for
every whitelisted pair: that costs precision, but choosing one pair at random would cost recall as well.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.data.actions import ACTIONS
from core.data.competition import Video
from core.evaluation.pair_probabilities import PairProbabilities

COLUMN = {action: number for number, action in enumerate(ACTIONS)}


def as_actions(
    video: Video,
    probabilities: NDArray[np.float32],
    actions: Mapping[str, str],
    classes: tuple[str, ...],
) -> PairProbabilities:
    """Return the probabilities of the actions that stand for the classes; NaN for all others.

    Args:
        video: its ``behaviors_labeled`` is the whitelist.
        probabilities: ``(frames, classes)``.
        actions: action → class, in order of preference.
        classes: class names by index; the first is the background, for which no action stands.
    """
    listed: dict[tuple[int, int], set[str]] = {}
    for behaviour in video.behaviors:
        listed.setdefault((behaviour.agent, behaviour.target), set()).add(behaviour.action)
    pairs = sorted(listed)
    values = np.full((len(pairs), len(probabilities), len(ACTIONS)), np.nan, np.float32)
    for row, pair in enumerate(pairs):
        for index, name in enumerate(classes[1:], start=1):
            action = next((a for a, c in actions.items() if c == name and a in listed[pair]), None)
            if action is not None and action in COLUMN:
                values[row, :, COLUMN[action]] = probabilities[:, index]
    return PairProbabilities(
        video_id=video.video_id,
        lab_id=video.lab_id,
        frames_per_second=video.frames_per_second,
        agents=np.array([agent for agent, _ in pairs], np.int64),
        targets=np.array([target for _, target in pairs], np.int64),
        actions=ACTIONS,
        values=values,
    )
