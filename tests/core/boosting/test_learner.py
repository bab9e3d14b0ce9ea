"""One boosted model: null cases, determinism, and a missing LightGBM."""

import sys

import numpy as np
import pytest

from core.boosting.learner import BoostModel, BoostSettings, fit_model
from core.errors import ConfigError
from core.evaluation.frames import average_precision

SETTINGS = BoostSettings(rounds=30, learning_rate=0.1, leaf_examples=10, column_share=1.0)
NAMES = [f"column {number}" for number in range(4)]
EVEN, ODD = slice(0, None, 2), slice(1, None, 2)


def table(examples: int = 2000, share: float = 0.2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(examples, len(NAMES))).astype(np.float32)
    return features, rng.random(examples) < share, np.ones(examples, np.float32)


def answers(features: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Fit the even examples and predict the odd ones."""
    text = fit_model(features[EVEN], labels[EVEN], weights[EVEN], NAMES, SETTINGS, 0, 1)
    return BoostModel(text).predict(features[ODD])


def test_labels_that_have_nothing_to_do_with_the_features_are_not_predicted() -> None:
    features, labels, weights = table()
    found = average_precision(labels[ODD], answers(features, labels, weights))
    assert found == pytest.approx(labels[ODD].mean(), abs=0.06)


def test_a_column_that_is_the_label_is_found_among_missing_values() -> None:
    features, labels, weights = table()
    features[:, 2] = np.where(labels, 1.0, np.nan)
    assert average_precision(labels[ODD], answers(features, labels, weights)) == 1.0


def test_weights_stand_for_the_examples_that_were_left_out() -> None:
    features, labels, weights = table(examples=6000)
    kept = labels | (np.arange(len(labels)) % 5 == 0)
    weights[kept & ~labels] = 5
    text = fit_model(features[kept], labels[kept], weights[kept], NAMES, SETTINGS, 0, 1)
    assert BoostModel(text).predict(features).mean() == pytest.approx(labels.mean(), abs=0.03)


def test_the_same_seed_gives_the_same_text_and_another_does_not() -> None:
    features, labels, weights = table()
    texts = [fit_model(features, labels, weights, NAMES, SETTINGS, seed, 1) for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]
    assert "column_3" in texts[0]


def test_text_that_is_no_model_is_refused() -> None:
    with pytest.raises(ValueError, match="not a model of LightGBM"):
        BoostModel("nothing of the kind")


def test_without_lightgbm_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(ConfigError, match=r"pip install 'mabe\[boost\]'") as caught:
        fit_model(*table(), NAMES, SETTINGS, 0, 1)
    assert "\n" not in str(caught.value)
