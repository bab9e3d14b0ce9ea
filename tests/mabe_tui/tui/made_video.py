"""A synthetic video for snapshots, the same on every machine."""

import numpy as np

from core.data.competition import Bouts
from core.data.keypoints import MARS_7
from core.data.manifest import PreparedVideo
from mabe_tui.runs.videos.video import TrackedVideo
from mabe_tui.runs.videos.video_prediction import PredictedVideo
from tests.recorded import CLASSES

FRAMES, RATE = 1800, 30.0
BODY = np.array([[60, 0], [45, -15], [45, 15], [30, 0], [-20, -20], [-20, 20], [-50, 0]])
"""Shape ``(keypoints, 2)``: a mouse facing right."""
BOUTS = (("sniff", 1, 200, 330), ("mount", 2, 520, 640), ("attack", 3, 900, 960))


def made_video(video_id: str) -> TrackedVideo:
    """Return a video of two mice walking in circles, with three bouts."""
    truth = np.zeros(FRAMES, np.uint8)
    for _, index, start, stop in BOUTS:
        truth[start:stop] = index
    return TrackedVideo(
        about=PreparedVideo(
            video_id=video_id, lab_id="made", offset=0, frames=FRAMES, frames_per_second=RATE,
            pixels_per_cm=10.0, width=800, height=600, behaviors=(), mouse_ids=(1, 2),
            mice_left_out=(), dropped={}, duplicates=0, non_finite=0, content="made",
        ),
        slots=MARS_7,
        skeleton=(),
        classes=CLASSES,
        positions=_positions(),
        truth=truth,
        bouts=Bouts(
            agent=np.array([1, 1, 2]),
            target=np.array([2, 2, 1]),
            action=np.array([action for action, *_ in BOUTS], object),
            start=np.array([start for *_, start, _ in BOUTS]),
            stop=np.array([stop for *_, stop in BOUTS]),
        ),
    )  # fmt: skip


def made_answer(video: TrackedVideo) -> PredictedVideo:
    """Return predictions that lag behind the truth and confuse some classes."""
    probabilities = np.full((FRAMES, len(CLASSES)), 0.06, np.float32)
    late = np.roll(video.truth, 25)
    late[600:660] = 1
    probabilities[np.arange(FRAMES), late] = 0.82
    return PredictedVideo(video, 30, probabilities)


def _positions() -> np.ndarray:
    """Return poses ``(frames, 2, 7, 2)`` in pixels, rounded to integers."""
    angle = np.arange(FRAMES)[:, None] / np.array([120, 90])
    middle = np.stack([400 + 200 * np.cos(angle), 300 + 150 * np.sin(angle)], axis=-1)
    turned = angle + np.pi / 2
    along = np.stack([np.cos(turned), np.sin(turned)], axis=-1)[..., None, :]
    across = np.stack([-np.sin(turned), np.cos(turned)], axis=-1)[..., None, :]
    body = BODY[:, :1] * along + BODY[:, 1:] * across
    return np.rint(middle[..., None, :] + body).astype(np.float32)
