"""Stacking (Wolpert, 1992): gradient boosting that sees every member's probability of every label.

One model for labels of which exactly one is true, else one for each label. A label without examples of both
kinds gets none, and is answered by the members' mean. LightGBM is an optional dependency, imported when a
model is fitted or applied; its models are kept as its own text.
"""

import zlib
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.blending.sample import Beat, Probabilities, Sample, mean_of_members
from core.system.gradient_boosting import require_lightgbm

WHO = "--how stack"
ROUNDS = 120
"""Trees (of each class, where there are more than two)."""
MOST_OF_A_LABEL = 100_000
"""Rows that a label's own model is fitted on; there may be dozens of labels."""
PARAMETERS = {
    "learning_rate": 0.05,
    "num_leaves": 6,
    "lambda_l2": 5.0,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}
"""Shallow trees with much shrinkage: a few, strongly correlated columns, and rows that are frames of few
videos."""
LEAF_SHARE, LEAST_OF_A_LEAF = 200, 20
"""A leaf has a 200th of the rows, and 20, at least."""


class Stack:
    """Applies boosted models.

    Args:
        models: key → LightGBM's text: ``all`` of labels of which one is true, else the label's place.
        exclusive: whether exactly one label of each row is true.
    """

    def __init__(self, models: dict[str, str], exclusive: bool) -> None:
        self._exclusive, self._texts = exclusive, models
        lightgbm = require_lightgbm(WHO)
        try:
            self._boosters = {key: lightgbm.Booster(model_str=text) for key, text in models.items()}
        except lightgbm.basic.LightGBMError as error:
            raise ValueError(f"not a model of LightGBM ({error})") from error

    @classmethod
    def fitted(cls, sample: Sample, seed: int, beat: Beat) -> "Stack":
        """Fit the models.

        Raises:
            ConfigError: LightGBM is not installed.
        """
        columns = _columns(sample.members)
        models: dict[str, str] = {}
        if sample.exclusive:
            known = sample.known.all(axis=1)
            classes = sample.truth[known].argmax(axis=1)
            if len(np.unique(classes)) > 1:
                count = sample.truth.shape[1]
                objective: dict[str, Any] = {"objective": "binary"}
                if count > 2:
                    objective = {"objective": "multiclass", "num_class": count}
                models["all"] = _fit(
                    columns[known], classes, sample.counted()[known], objective, seed, beat
                )
            return cls(models, True)
        for label, known in enumerate(sample.known.T):
            truth = sample.truth[known, label]
            if 0 < truth.sum() < len(truth):
                own = zlib.crc32(f"{seed}/{label}".encode()) >> 1
                rows = np.flatnonzero(known)
                counted = sample.counted(label)
                shares = counted[rows]
                if len(rows) > MOST_OF_A_LABEL:
                    rows, shares = _thinned(rows, sample.truth[:, label], counted, own)
                models[str(label)] = _fit(
                    columns[rows],
                    sample.truth[rows, label],
                    shares,
                    {"objective": "binary"},
                    own,
                    beat,
                )
        return cls(models, False)

    @classmethod
    def restored(cls, state: dict[str, Any]) -> "Stack":
        """Return what :meth:`state` described.

        Raises:
            ConfigError: LightGBM is not installed.
            ValueError: a text is no model.
        """
        return cls(dict(state["models"]), bool(state["exclusive"]))

    def state(self) -> dict[str, Any]:
        """Return the models' texts."""
        return {"models": self._texts, "exclusive": self._exclusive}

    def words(self, names: list[str]) -> str:
        """Describe what was fitted, for the log."""
        count = len(self._boosters)
        return f"{count} boosted model{'s' * (count != 1)} on {len(names)} members"

    def apply(self, members: NDArray[np.float32]) -> Probabilities:
        """Return the probabilities of ``(members, rows, labels)``."""
        columns, found = _columns(members), mean_of_members(members)
        threads = torch.get_num_threads()
        if not len(columns):
            return found
        for key, booster in self._boosters.items():
            if key != "all" and np.isnan(found[:, int(key)]).all():
                continue  # a label that is not asked for
            answer = np.asarray(booster.predict(columns, num_threads=threads), np.float32)
            if key != "all":
                found[:, int(key)] = answer
            elif answer.ndim == 1:
                found[:, 0], found[:, 1] = 1 - answer, answer
            else:
                found = answer
        return found


def _columns(members: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(members.transpose(1, 0, 2)).reshape(members.shape[1], -1)


def _thinned(
    rows: NDArray[np.int64], truth: NDArray[np.float32], weights: NDArray[np.float64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return some of the rows, at most half of them examples of the label, and what each counts."""
    rng = np.random.default_rng(seed)
    positive, negative = rows[truth[rows] == 1], rows[truth[rows] == 0]
    yes = rng.choice(positive, min(len(positive), MOST_OF_A_LABEL // 2), replace=False)
    no = rng.choice(negative, min(len(negative), MOST_OF_A_LABEL - len(yes)), replace=False)
    shares = (weights[yes] * len(positive) / len(yes), weights[no] * len(negative) / len(no))
    return np.concatenate([yes, no]), np.concatenate(shares)


def _fit(
    columns: NDArray[np.float32],
    truth: NDArray[Any],
    shares: NDArray[np.float64],
    objective: dict[str, Any],
    seed: int,
    beat: Beat,
) -> str:
    lightgbm = require_lightgbm(WHO)
    parameters = {
        **PARAMETERS,
        **objective,
        "min_data_in_leaf": max(LEAST_OF_A_LEAF, len(columns) // LEAF_SHARE),
        "seed": seed % 2**31,
        "num_threads": torch.get_num_threads(),
    }
    data = lightgbm.Dataset(columns, truth, weight=shares)
    booster = lightgbm.train(parameters, data, num_boost_round=ROUNDS, callbacks=[lambda _: beat()])
    return str(booster.model_to_string())
