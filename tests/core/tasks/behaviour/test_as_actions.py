"""Classes of frames as actions of pairs."""

from pathlib import Path

import numpy as np

from core.data.actions import ACTIONS
from core.data.competition import LabeledBehavior, Video
from core.tasks.behaviour.as_actions import as_actions

CLASSES = ("other", "social", "mating")
MAP = {"sniff": "social", "approach": "social", "mount": "mating", "rear": "other"}


def video(*behaviors: LabeledBehavior) -> Video:
    path = Path("9.parquet")
    return Video("lab", "9", 25.0, 1.0, None, None, None, (1, 2), (), behaviors, path, path, 2)


def test_one_action_of_each_pair_stands_for_a_class() -> None:
    listed = [(1, 2, "approach"), (1, 2, "sniff"), (2, 1, "approach"), (1, 1, "rear")]
    probabilities = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]], np.float32)
    found = as_actions(
        video(*(LabeledBehavior(*each) for each in listed)), probabilities, MAP, CLASSES
    )
    said = {
        (int(found.agents[pair]), int(found.targets[pair]), ACTIONS[action])
        for pair, action in np.argwhere(found.annotated)
    }
    # no one mounts here, `sniff` is preferred where it is listed, and the background is no action
    assert said == {(1, 2, "sniff"), (2, 1, "approach")}
    row = found.values[list(found.agents).index(2), :, ACTIONS.index("approach")]
    np.testing.assert_array_equal(row, probabilities[:, 1])


def test_a_video_without_a_whitelist_has_no_pairs() -> None:
    found = as_actions(video(), np.ones((3, 3), np.float32), MAP, CLASSES)
    assert (len(found.agents), found.frames) == (0, 3)
