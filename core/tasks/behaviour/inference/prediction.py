"""The prediction of one video."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class VideoPrediction:
    """A model's prediction for every frame of one video; row i is video frame i."""

    video_id: str
    lab_id: str
    probabilities: npt.NDArray[np.float32]
    """``(frames, classes)``, each row summing to 1."""
    classes: npt.NDArray[np.uint8]
    """``(frames,)`` indices of the most likely class."""
    frames_per_second: float | None = None
    """Rate of the video; ``None`` if unknown."""
