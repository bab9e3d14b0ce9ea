"""What a model says of one video: a probability for each (agent, target), frame and action."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class PairProbabilities:
    """A model's probabilities for one video, a row of ``values`` for each (agent, target).

    Frames are the video's own, from 0 to the last one tracked.

    Raises:
        ValueError: the shapes do not match.
    """

    video_id: str
    lab_id: str
    frames_per_second: float
    agents: NDArray[np.int64]
    """(pairs,) numbers of the animals, as in the tracking, from 1."""
    targets: NDArray[np.int64]
    """(pairs,) the agent itself for what it does alone."""
    actions: tuple[str, ...]
    """Names of the columns; usually :data:`core.data.labels.ACTIONS`."""
    values: NDArray[np.float32]
    """``(pairs, frames, actions)``, from 0 to 1. NaN where (agent, target, action) is not annotated in this
    video, that is, not in its ``behaviors_labeled``."""

    def __post_init__(self) -> None:
        pairs = len(self.agents)
        shape = (pairs, self.frames, len(self.actions))
        if self.agents.shape != (pairs,) or self.targets.shape != (pairs,):
            shapes = f"agents {self.agents.shape}, targets {self.targets.shape}"
            raise ValueError(f"{self.video_id}: {shapes}: not one for each pair")
        if self.values.shape != shape:
            raise ValueError(
                f"{self.video_id}: values are {self.values.shape}, not (pairs, frames, actions) = {shape}"
            )

    @property
    def frames(self) -> int:
        """Frames of the video."""
        return int(self.values.shape[1])

    @property
    def unit(self) -> str:
        """Name of the video among evaluation rows, such as ``AdaptableSnail/44566106``."""
        return f"{self.lab_id}/{self.video_id}"

    @property
    def annotated(self) -> NDArray[np.bool_]:
        """Return which actions of which pairs have probabilities, ``(pairs, actions)``."""
        if not self.frames:
            return np.zeros((len(self.agents), len(self.actions)), np.bool_)
        found: NDArray[np.bool_] = ~np.isnan(self.values[:, 0])
        return found
