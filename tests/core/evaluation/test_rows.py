"""Scores from rows agree with scikit-learn and with confusion matrices, and sums stay additive."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, log_loss, precision_recall_fscore_support

from core.evaluation import rows
from core.evaluation.frames import confusion
from core.evaluation.paired import paired_bootstrap
from core.evaluation.rows import COLUMNS, FN, FP, TOTAL, TP, WEIGHT, Rows, counts_of
from core.evaluation.versions import compare_versions
from tests.made_up_versions import Luck, two_versions

LABELS = list(range(4))
STATISTICS = {
    "f1_macro": rows.f1_macro,
    "f1_macro_present": rows.f1_macro_present,
    "f1_macro_but_first": rows.f1_macro_but_first,
    "accuracy": rows.accuracy,
    "precision_macro": rows.precision_macro,
    "recall_macro": rows.recall_macro,
}
one_label = st.lists(
    st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=60
)
several_labels = st.lists(
    st.tuples(*[st.booleans()] * 6), min_size=1, max_size=40
)  # three true ones, three predicted


def scikit_learn(true: np.ndarray, predicted: np.ndarray, labels: list[int], average: str) -> tuple:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return precision_recall_fscore_support(
            true, predicted, labels=labels, average=average, zero_division=0
        )


@given(one_label)
def test_one_label_an_example_as_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    true, predicted = (np.array(column) for column in zip(*pairs, strict=True))
    counts = counts_of(confusion(true, predicted, 4))
    precision, recall, f1, support = precision_recall_fscore_support(
        true, predicted, labels=LABELS, zero_division=0
    )
    for found, expected in (
        (rows.precision_per_label(counts), precision),
        (rows.recall_per_label(counts), recall),
        (rows.f1_per_label(counts), f1),
        (rows.support_per_label(counts), support),
    ):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    present = sorted(set(true.tolist()))
    expected_scores = {
        "f1_macro": scikit_learn(true, predicted, LABELS, "macro")[2],
        "f1_macro_present": scikit_learn(true, predicted, present, "macro")[2],
        "f1_macro_but_first": scikit_learn(true, predicted, LABELS[1:], "macro")[2],
        "precision_macro": scikit_learn(true, predicted, LABELS, "macro")[0],
        "recall_macro": scikit_learn(true, predicted, LABELS, "macro")[1],
        "accuracy": accuracy_score(true, predicted),
    }
    for name, expected in expected_scores.items():
        assert float(STATISTICS[name](counts)) == pytest.approx(expected, abs=1e-12), name


@given(several_labels)
def test_several_labels_an_example_as_scikit_learn(examples: list[tuple[bool, ...]]) -> None:
    table = np.array(examples)
    true, predicted = table[:, :3], table[:, 3:]
    counts = np.zeros((3, len(COLUMNS)))
    counts[:, TP] = (true & predicted).sum(axis=0)
    counts[:, FP] = (~true & predicted).sum(axis=0)
    counts[:, FN] = (true & ~predicted).sum(axis=0)
    expected = scikit_learn(true, predicted, [0, 1, 2], "macro")
    scores = (rows.precision_macro(counts), rows.recall_macro(counts), rows.f1_macro(counts))
    np.testing.assert_allclose(scores, expected[:3], rtol=0, atol=1e-12)


def test_a_mean_is_the_weighted_mean_of_a_loss_as_in_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    true, chance = rng.integers(0, 2, 200), rng.uniform(0.01, 0.99, 200)
    weight, unit = rng.uniform(0.1, 2, 200), rng.integers(0, 5, 200)
    loss = -np.where(true, np.log(chance), np.log(1 - chance))
    counts = np.zeros((5, 1, len(COLUMNS)))
    np.add.at(counts, (unit, 0, TOTAL), weight * loss)
    np.add.at(counts, (unit, 0, WEIGHT), weight)
    expected = log_loss(true, chance, sample_weight=weight)
    assert float(rows.mean(counts.sum(axis=0))) == pytest.approx(expected, abs=1e-12)
    assert np.isnan(rows.mean(np.zeros((1, len(COLUMNS)))))


@pytest.mark.parametrize("name", [*STATISTICS, "mean"])
def test_statistics_take_leading_dimensions(name: str) -> None:
    statistic = getattr(rows, name)
    stack = np.random.default_rng(0).integers(0, 9, size=(5, 3, 4, len(COLUMNS)))
    stack[0, 0] = 0
    values = statistic(stack)
    assert values.shape == (5, 3)
    assert np.isnan(values[0, 0]) if name == "mean" else values[0, 0] == 0
    assert values[2, 1] == statistic(stack[2, 1])


def test_the_rows_of_confusions() -> None:
    found = Rows.from_confusions(("a", "b"), ("x", "y"), [[[3, 1], [2, 4]], [[0, 0], [5, 0]]])
    np.testing.assert_array_equal(
        found.counts,
        [[[3, 2, 1, 0, 0], [4, 1, 2, 0, 0]], [[0, 5, 0, 0, 0], [0, 0, 5, 0, 0]]],
    )
    np.testing.assert_array_equal(found.pooled, [[3, 7, 1, 0, 0], [4, 1, 7, 0, 0]])
    again = found.reordered(("b", "a"))
    assert again.units == ("b", "a")
    np.testing.assert_array_equal(again.counts, found.counts[::-1])
    with pytest.raises(ValueError, match="counts are"):
        Rows(("a",), ("x", "y"), found.counts)


def test_a_truth_differs_by_one_example_or_by_a_weight() -> None:
    rng = np.random.default_rng(0)
    one = rng.integers(0, 50, (6, 3, len(COLUMNS))).astype(np.float64)
    other = one.copy()
    other[2, 1, TP] -= 1
    other[2, 1, FN] += 1
    other[4, 0, TOTAL] += 7  # neither is a matter of the truth
    assert rows.differing_units(one, other).tolist() == []
    other[3, 0, FN] += 1
    other[5, 2, WEIGHT] += 1
    assert rows.differing_units(np.stack([one, other]), one).tolist() == [3, 5]


def test_verdicts_are_those_of_confusion_counts_to_the_last_digit() -> None:
    """The figures were computed from confusion counts, before there were rows."""
    a, b = map(counts_of, two_versions(Luck(), 1, 12, (3, 2), np.random.default_rng(0), 1.0))
    versions = compare_versions(a[0], b[0], rows.f1_macro)
    assert versions.difference == float.fromhex("0x1.b3d6ce9546820p-4")
    assert versions.low == float.fromhex("0x1.7a6de67d1c730p-8")
    assert versions.high == float.fromhex("0x1.a8035f615d9e6p-3")
    assert versions.probability_b_better == float.fromhex("0x1.f4d89c2d81b44p-1")
    assert versions.seed_sd == float.fromhex("0x1.19ca5b2efe9dfp-5")
    assert versions.error_over_units == float.fromhex("0x1.539e3957348bep-6")
    assert versions.error_over_seeds == float.fromhex("0x1.873b561938876p-6")
    assert versions.freedom == 3
    checkpoints = paired_bootstrap(a[0, 0], b[0, 0], rows.f1_macro)
    assert checkpoints.difference == float.fromhex("0x1.c77a889ab0118p-4")
    assert checkpoints.low == float.fromhex("0x1.d8a1d8bf64e9ep-7")
    assert checkpoints.high == float.fromhex("0x1.953c53068d2b3p-3")
    assert checkpoints.probability_b_better == float.fromhex("0x1.fdbf487fcb924p-1")


def losses(gain: float, rng: np.random.Generator, seeds: int = 3, units: int = 12) -> np.ndarray:
    """Make ``(seeds, units, 1, 5)`` counts of a loss that is lower by ``gain``."""
    counts = np.zeros((seeds, units, 1, len(COLUMNS)))
    counts[..., WEIGHT] = np.arange(50, 50 + units)[:, None]
    noise = rng.normal(0, 0.05, (seeds, units, 1)) + rng.normal(0, 0.02, (seeds, 1, 1))
    counts[..., TOTAL] = counts[..., WEIGHT] * (1 - gain + noise)
    return counts


def test_a_falling_metric_is_better_where_it_is_lower() -> None:
    rng = np.random.default_rng(0)
    a, b = losses(0.0, rng), losses(0.4, rng)
    versions = compare_versions(a, b, rows.mean, rises=False)
    checkpoints = paired_bootstrap(a[0], b[0], rows.mean, rises=False)
    for found in (versions, checkpoints):
        assert found.difference == pytest.approx(-0.4, abs=0.1)
        assert found.distinguishable
        assert found.probability_b_better > 0.99
    same = compare_versions(a, a, rows.mean, rises=False)
    assert (same.difference, same.distinguishable, same.probability_b_better) == (0, False, 0.5)
    assert paired_bootstrap(a[0], a[0], rows.mean, rises=False).probability_b_better == 0.5


def test_shuffled_labels_are_not_told_apart() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 4, (10, 300))
    sides = [np.stack([confusion(t, rng.permutation(t), 4) for t in truth]) for _ in range(4)]
    a, b = counts_of(np.stack(sides[:2])), counts_of(np.stack(sides[2:]))
    assert compare_versions(a, b, rows.f1_macro).distinguishable is False
