"""Which frames of a lab's videos a model is fitted on, and how many frames each of them stands for.

Neighbouring frames are nearly the same, and most frames show no action. Of the frames with an action, every
n-th is taken, where n is smaller for rarer actions; of those without any, every m-th. A frame's weight is its
n or m, so that the weights sum to the number of frames, and probabilities stay calibrated.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

FEW = 500
"""Up to this many frames of an action are taken, however close together they are."""


@dataclass(frozen=True, slots=True)
class Strides:
    """The strides: one of this many frames is taken."""

    of_action: npt.NDArray[np.int64]
    """``(actions,)``; of a frame with several, the smallest counts."""
    of_nothing: int
    """For frames without an action."""

    @classmethod
    def of(cls, action_frames: npt.NDArray[np.int64], frames: int, most: int, spacing: int) -> Self:
        """Choose them.

        Args:
            action_frames: ``(actions,)`` frames with each action.
            frames: all frames.
            most: of the frames taken, about.
            spacing: stride of whatever there is enough of; it grows where ``most`` would be exceeded.
        """
        present = int(np.count_nonzero(action_frames))
        share = max(1, most // (present + 1))
        plenty = np.minimum(spacing, action_frames // FEW)
        of_action = np.maximum(np.maximum(plenty, -(-action_frames // share)), 1)
        taken = int((action_frames // of_action).sum())
        nothing = max(0, frames - int(action_frames.sum()))
        of_nothing = max(spacing, -(-nothing // max(share, most - taken)), 1)
        return cls(of_action, of_nothing)

    def frames(
        self, labels: npt.NDArray[np.bool_], phase: float
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Take frames of one row.

        Args:
            labels: ``(frames, actions)``.
            phase: from 0 to 1: which of the n frames.

        Returns:
            The frames taken, ascending, and how many each stands for.
        """
        stride = np.where(labels, self.of_action, self.of_nothing).min(
            axis=1, initial=self.of_nothing
        )
        taken = (np.arange(len(labels)) + (phase * stride).astype(np.int64)) % stride == 0
        return np.flatnonzero(taken), stride[taken].astype(np.float32)
