"""Behaviours can be learned from geometry and speed, but not from absolute position."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core.data.competition import read_bouts, read_tracking, read_videos
from core.data.keypoints import MARS_7
from core.data.labels import ActionMap, frame_classes
from core.data.synthetic import SyntheticSettings, synthesise
from core.data.synthetic.patterns import CLASS_OF, CLASSES

NOSE, NECK, TAIL_BASE = (MARS_7.index(part) for part in ("nose", "neck", "tail_base"))


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    root = tmp_path_factory.mktemp("synthetic") / "data"
    synthesise(root, SyntheticSettings(videos=6, frames=2000), workers=1)
    found = []
    for video in read_videos(root):
        positions = read_tracking(video, MARS_7, 2).positions
        found.append(
            (positions, frame_classes(read_bouts(video), 2000, ActionMap(CLASS_OF, CLASSES)))
        )
    return found


def geometry(positions):
    """Eleven numbers a frame: distances, speeds and turning over a third of a second."""
    first, second = positions[:, 0], positions[:, 1]
    centre = [mouse[:, (NECK, TAIL_BASE)].mean(axis=1) for mouse in (first, second)]
    heading = [
        np.arctan2(*(mouse[:, NECK] - mouse[:, TAIL_BASE]).T[::-1]) for mouse in (first, second)
    ]
    pairs = [
        (centre[0], centre[1]),
        (first[:, NOSE], second[:, NOSE]),
        (first[:, NOSE], second[:, TAIL_BASE]),
        (second[:, NOSE], first[:, TAIL_BASE]),
        (first[:, NOSE], first[:, TAIL_BASE]),
        (second[:, NOSE], second[:, TAIL_BASE]),
    ]
    distances = [np.hypot(*(a - b).T) for a, b in pairs]
    moved = [np.hypot(*(np.roll(c, -5, 0) - np.roll(c, 5, 0)).T) for c in centre]
    turned = [np.abs(np.sin((np.roll(h, -5) - np.roll(h, 5)) / 2)) for h in heading]
    return np.stack([*distances, *moved, *turned, np.cos(heading[0] - heading[1])], axis=1)


def score(model, videos, features):
    def stack(part):
        return (
            np.concatenate([features(positions) for positions, _ in part]),
            np.concatenate([classes for _, classes in part]),
        )

    model.fit(*stack(videos[:4]))
    inputs, truth = stack(videos[4:])
    return f1_score(truth, model.predict(inputs), average="macro")


@pytest.mark.slow
def test_geometry_and_speed_tell_the_behaviours_and_bare_coordinates_do_not(videos):
    trees = HistGradientBoostingClassifier(max_iter=40, random_state=0, class_weight="balanced")
    linear = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000, class_weight="balanced")
    )
    with_geometry = score(trees, videos, geometry)
    with_coordinates = score(linear, videos, lambda p: np.nan_to_num(p.reshape(len(p), -1)))
    chance = 0.25
    assert 0.6 < with_geometry < 0.95
    assert with_coordinates < chance + 0.1 < with_geometry - 0.2
