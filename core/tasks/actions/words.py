"""Data labelled in other words than those that a run learned, or not at all."""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from core.data.actions import SELF_ACTIONS
from core.data.competition import Bouts, Video
from core.data.listed import LabeledBehavior


def in_words(video: Video, words: Mapping[str, str]) -> Video:
    """Return a video whose list of behaviours is in a run's words.

    Args:
        video: its row of the table.
        words: action in the data → the run's action.
    """
    if not words:
        return video
    behaviors = tuple(
        dict.fromkeys(
            each._replace(action=words.get(each.action, each.action)) for each in video.behaviors
        )
    )
    return dataclasses.replace(video, behaviors=behaviors)


def bouts_in_words(bouts: Bouts, words: Mapping[str, str]) -> Bouts:
    """Return bouts in a run's words; see :func:`in_words`."""
    if not words:
        return bouts
    actions = [words.get(action, action) for action in bouts.action.tolist()]
    return dataclasses.replace(bouts, action=np.array(actions, object))


def listing_all(video: Video, actions: Iterable[str]) -> Video:
    """Return a video that lists some actions for every mouse, and for every pair of two."""
    behaviors = tuple(
        LabeledBehavior(agent, target, action)
        for action in actions
        for agent in video.mice
        for target in video.mice
        if (agent == target) == (action in SELF_ACTIONS)
    )
    return dataclasses.replace(video, behaviors=behaviors)
