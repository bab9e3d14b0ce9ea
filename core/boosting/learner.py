"""One gradient-boosted model: LightGBM on a table, in and out of text.

LightGBM is an optional dependency, imported when a model is fitted or applied.
"""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from core.boosting.rolling import Columns
from core.system.gradient_boosting import require_lightgbm

WHO = "model.name: 'boost'"
"""Names in an error what needs LightGBM."""


class BoostSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the fit of one model."""

    rounds: int = 400
    """Trees."""
    learning_rate: float = 0.05
    leaves: int = 7
    """Leaves of a tree."""
    leaf_examples: int = 60
    """Least training examples of a leaf; fewer where the label is rare: a fifth of its own."""
    column_share: float = 0.2
    """Share of the columns that each tree sees."""
    row_share: float = 0.7
    """Share of the training examples that each tree sees."""
    l2: float = 5.0


def fit_model(
    features: Columns,
    labels: npt.NDArray[np.bool_],
    weights: npt.NDArray[np.float32],
    names: Sequence[str],
    settings: BoostSettings,
    seed: int,
    threads: int,
    beat: Callable[[], None] = lambda: None,
) -> str:
    """Fit one label.

    The same arguments give the same text, byte by byte, on one machine.

    Args:
        features: ``(examples, columns)``, NaN where missing.
        labels: ``(examples,)``.
        weights: ``(examples,)``: how many examples each stands for.
        names: of the columns.
        settings: of the model.
        seed: of the draws of rows and columns.
        threads: that share the work.
        beat: called after each round; what it raises ends the fit.

    Returns:
        The model as text, which :func:`read_model` reads.

    Raises:
        ConfigError: LightGBM is not installed.
    """
    lightgbm = require_lightgbm(WHO)
    parameters = {
        "objective": "binary",
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.leaves,
        "min_data_in_leaf": min(settings.leaf_examples, max(5, int(labels.sum()) // 5)),
        "feature_fraction": settings.column_share,
        "bagging_fraction": settings.row_share,
        "bagging_freq": 1,
        "lambda_l2": settings.l2,
        "seed": seed,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": threads,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(
        features, labels.astype(np.float32), weight=weights, feature_name=list(names)
    )
    booster = lightgbm.train(
        parameters, data, num_boost_round=settings.rounds, callbacks=[lambda _: beat()]
    )
    return str(booster.model_to_string())


class BoostModel:
    """A fitted model.

    Args:
        text: what :func:`fit_model` returned.

    Raises:
        ConfigError: LightGBM is not installed.
        ValueError: the text is no such model.
    """

    def __init__(self, text: str, threads: int = 1) -> None:
        lightgbm = require_lightgbm(WHO)
        self._threads = threads
        try:
            self._booster = lightgbm.Booster(model_str=text)
        except lightgbm.basic.LightGBMError as error:
            raise ValueError(f"not a model of LightGBM ({error})") from error

    def predict(self, features: Columns) -> npt.NDArray[np.float32]:
        """Return probabilities ``(examples,)`` for features ``(examples, columns)``."""
        found = self._booster.predict(features, num_threads=self._threads)
        return np.asarray(found, np.float32)
