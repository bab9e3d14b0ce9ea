import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    precision_recall_fscore_support,
)

from core.evaluation.frames import (
    accuracy,
    average_precision,
    average_precisions,
    confusion,
    f1_macro,
    f1_macro_behaviours,
    f1_macro_present,
    frame_metrics,
)

NAMES = ["other", "social", "mating", "aggressive"]
LABELS = list(range(4))
frame_labels = st.lists(
    st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=60
)


@given(frame_labels)
def test_frame_metrics_equal_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    true, predicted = (np.array(column) for column in zip(*pairs, strict=True))
    counts = confusion(true, predicted, 4)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, confusion_matrix(true, predicted, labels=LABELS))

    metrics = frame_metrics(counts, NAMES)
    expected = precision_recall_fscore_support(true, predicted, labels=LABELS, zero_division=0)
    for metric, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        np.testing.assert_allclose([metrics[f"{metric}/{name}"] for name in NAMES], values)
    assert metrics["accuracy"] == pytest.approx(accuracy_score(true, predicted))
    for key, labels in (
        ("f1_macro", LABELS),
        ("f1_macro_present", sorted(set(true.tolist()))),
        ("f1_macro_behaviours", LABELS[1:]),
    ):
        macro = precision_recall_fscore_support(
            true, predicted, labels=labels, average="macro", zero_division=0
        )
        assert metrics[key] == pytest.approx(macro[2])
        if key == "f1_macro":
            assert metrics["precision_macro"] == pytest.approx(macro[0])
            assert metrics["recall_macro"] == pytest.approx(macro[1])


def test_a_hand_worked_case() -> None:
    metrics = frame_metrics([[90, 10], [0, 0]], ["other", "social"])
    assert metrics["accuracy"] == pytest.approx(0.9)
    assert metrics["f1/other"] == pytest.approx(180 / 190)
    assert metrics["f1_macro"] == pytest.approx(90 / 190)
    assert metrics["f1_macro_present"] == pytest.approx(180 / 190)
    assert metrics["f1_macro_behaviours"] == 0.0
    assert metrics["support/other"] == 100


@pytest.mark.parametrize("metric", [accuracy, f1_macro, f1_macro_present, f1_macro_behaviours])
def test_metrics_take_leading_dimensions(metric) -> None:
    stack = np.random.default_rng(0).integers(0, 9, size=(5, 3, 4, 4))
    stack[0, 0] = 0
    values = metric(stack)
    assert values.shape == (5, 3)
    assert values[0, 0] == 0.0
    np.testing.assert_allclose(values[2, 1], metric(stack[2, 1]))


@settings(max_examples=200)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=40))
def test_average_precision_equals_scikit_learn_with_ties(rows: list[tuple[bool, int]]) -> None:
    true, score = np.array([t for t, _ in rows]), np.array([s / 5 for _, s in rows])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns where no frame is positive
        expected = average_precision_score(true, score)
    assert average_precision(true, score) == pytest.approx(expected)


def test_one_vs_rest_average_precision() -> None:
    rng = np.random.default_rng(1)
    true, scores = rng.integers(0, 3, 200), rng.random((200, 4))
    result = average_precisions(true, scores, NAMES)
    assert result["ap/social"] == pytest.approx(average_precision_score(true == 1, scores[:, 1]))
    assert result["ap/aggressive"] == 0.0


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="3 true labels but 2"):
        confusion([0, 1, 1], [0, 1], 2)
    with pytest.raises(ValueError, match="predicted labels must lie in 0…1"):
        confusion([0, 1], [0, 2], 2)
    with pytest.raises(ValueError, match="true labels must lie in 0…1"):
        confusion([-1, 1], [0, 1], 2)
    with pytest.raises(ValueError, match="for 4 class names"):
        frame_metrics(np.zeros((2, 2)), NAMES)
    with pytest.raises(ValueError, match="finite"):
        average_precision([True, False], [0.5, np.nan])
    with pytest.raises(ValueError, match=r"scores are \(2, 3\)"):
        average_precisions([0, 1], np.zeros((2, 3)), NAMES)
