"""All boosted models of a run: one for each action of each lab."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from core.boosting.features import Reader, WindowFeatures
from core.boosting.learner import BoostModel

KIND = "boost"
"""Marks the input table of a checkpoint of boosted models."""


class BoostedModels:
    """Predicts the actions of a lab's mice from their positions.

    Args:
        texts: the model of each ``LAB/ACTION``, as text. An action without a model has the probability 0.
        parts: the body parts that the models of each lab see.
        actions: names, in the order of answers.
        rate: frames per second of the positions.
        threads: that a model uses.
    """

    def __init__(
        self,
        texts: Mapping[str, str],
        parts: Mapping[str, Sequence[str]],
        actions: Sequence[str],
        rate: float,
        threads: int = 1,
    ) -> None:
        self._texts, self._parts, self.actions = texts, parts, tuple(actions)
        self._rate, self._threads = rate, threads
        self._models: dict[str, BoostModel] = {}

    @property
    def labs(self) -> tuple[str, ...]:
        """Labs that have models."""
        return tuple(self._parts)

    def input_table(self) -> dict[str, Any]:
        """Return what :meth:`of_checkpoint` needs beside the models' texts."""
        return {
            "kind": KIND,
            "parts": {lab: list(parts) for lab, parts in self._parts.items()},
            "actions": list(self.actions),
            "rate": self._rate,
        }

    @classmethod
    def of_checkpoint(
        cls, table: Mapping[str, Any], texts: Mapping[str, str], threads: int = 1
    ) -> "BoostedModels":
        """Restore the models of a checkpoint.

        Raises:
            KeyError: this is not a checkpoint of boosted models.
            ValueError: likewise.
        """
        if table["kind"] != KIND:
            raise ValueError(f"a checkpoint of {table['kind']!r}, not of boosted models")
        return cls(texts, table["parts"], table["actions"], float(table["rate"]), threads)

    def features(self, lab: str, is_pair: bool) -> WindowFeatures:
        """Return what computes the inputs of a lab's models."""
        return WindowFeatures(tuple(self._parts[lab]), self._rate, is_pair)

    def answers(
        self, lab: str, is_pair: bool, asked: npt.NDArray[np.bool_], read: Reader, frames: int
    ) -> npt.NDArray[np.float32]:
        """Return probabilities ``(frames, actions)``; 0 for actions that are not asked for or have no model.

        Args:
            lab: of the video.
            is_pair: whether the agent has a target.
            asked: ``(actions,)`` which are wanted.
            read: reads positions, as :class:`~core.boosting.features.WindowFeatures` takes them.
            frames: of the video, at the models' rate.
        """
        answers = np.zeros((frames, len(self.actions)), np.float32)
        models = {
            int(place): model
            for place in np.flatnonzero(asked)
            if (model := self._model(f"{lab}/{self.actions[place]}")) is not None
        }
        if not models:
            return answers
        for part, features in self.features(lab, is_pair).chunks(read, frames):
            for place, model in models.items():
                answers[part, place] = model.predict(features)
        return answers

    def _model(self, label: str) -> BoostModel | None:
        if label not in self._models and label in self._texts:
            self._models[label] = BoostModel(self._texts[label], self._threads)
        return self._models.get(label)
