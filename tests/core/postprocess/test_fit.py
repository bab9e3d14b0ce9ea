"""Fitted rules on data of which the answer is known."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from core.errors import ConfigError, DataError
from core.evaluation.rows import f1_macro
from core.postprocess.calibration import LogitCounts, calibration_error, temperature_of
from core.postprocess.fit import fit
from core.postprocess.nested import (
    ALL,
    LIKELIEST,
    PLAIN,
    NestedFit,
    Variant,
    fit_nested,
    judge,
    scored,
)
from core.postprocess.rules import PARTS, Settings, switched
from core.postprocess.sequences import KeptSequence, folds_for
from core.postprocess.thresholds import GRID, ThresholdCounts, best_threshold, shrunk
from tests.core.postprocess.making import LABELS, sequences

NOTHING = Settings(smoothing=False, thresholds=False, margin=False, absent=False, weak=False)


def with_values(sequence: KeptSequence, values: np.ndarray) -> KeptSequence:
    return replace(sequence, values=values.astype(np.float32))


def score_of(fitted: NestedFit, parts: str) -> float:
    return float(f1_macro(fitted.rows[fitted.parts.index(parts)].pooled))


def test_the_truth_as_probabilities_has_an_f1_of_1() -> None:
    made = [with_values(each, each.truth) for each in sequences(1.0)]
    fitted = fit_nested(made, switched(Settings(), "smoothing", False), {})
    assert score_of(fitted, ALL) == 1.0
    assert score_of(fitted, PLAIN) == 1.0
    assert fit_nested(made, Settings(), {}).rules.keys[0].threshold == pytest.approx(0.43, abs=0.02)


def test_nothing_fitted_is_the_plain_threshold_exactly() -> None:
    fitted = fit_nested(sequences(1.0), NOTHING, {})
    plain, everything = (fitted.rows[fitted.parts.index(name)] for name in (PLAIN, ALL))
    np.testing.assert_array_equal(plain.counts, everything.counts)


def test_shuffled_labels_gain_nothing_and_leave_thresholds_to_the_prior() -> None:
    made = sequences(0.0)
    fitted = fit_nested(made, Settings(), {})
    claims_everything = 2 * 100 / (900 + 100)
    assert score_of(fitted, ALL) <= claims_everything * 1.2
    few = [each for each in made if each.fold == 0][:1]
    rules, unshrunk = fit(few), fit(few, switched(Settings(), "shrinkage", False))
    prior = rules.otherwise.threshold
    assert 0.2 < prior <= 0.30
    for key, own in zip(rules.keys, unshrunk.keys, strict=True):
        assert abs(key.threshold - prior) < 0.3 * abs(own.threshold - prior)


def test_parts_help_where_there_is_something_to_gain() -> None:
    made = sequences(1.5, units=12)
    fitted = fit_nested(made, Settings())
    assert score_of(fitted, ALL) > score_of(fitted, PLAIN) + 0.1
    assert score_of(fitted, ALL) > score_of(fitted, f"{ALL} without smoothing") + 0.05
    report = scored(fitted, f1_macro, "f1").report
    everything = next(part for part in report if part.parts == ALL)
    assert everything.score == score_of(fitted, ALL)
    assert 0 < everything.gain_low < everything.gain < everything.gain_high  # type: ignore[operator]
    assert report[0].gain == report[0].gain_low == 0.0


def test_a_fold_is_judged_by_rules_that_have_not_seen_it() -> None:
    made = sequences(1.5)
    spoilt = [
        with_values(each, 1 - each.values) if each.fold == 0 else each for each in made
    ]  # fold 0 contradicts the others
    of_three = fit([each for each in made if each.fold != 0], Settings())
    rows = fit_nested(spoilt, Settings(), {}).rows[-1]
    (alone,) = judge(
        [each for each in spoilt if each.fold == 0], [Variant("of three", {0: of_three})]
    )
    np.testing.assert_array_equal(rows.counts[[0, 4]], alone.counts)
    assert alone.units == ("Lab/0", "Lab/4") == (rows.units[0], rows.units[4])


def test_a_label_without_bouts_is_dead() -> None:
    made = [replace(each, truth=each.truth & [True, False]) for each in sequences(1.0)]
    rules = fit(made)
    assert {key.label: key.dropped for key in rules.keys} == {"chase": "", "sniff": "absent"}
    kept = fit(made, switched(switched(Settings(), "absent", False), "weak", False))
    assert [key.dropped for key in kept.keys] == ["", ""]
    assert kept.of("Lab", "sniff").threshold == 0.30


def test_a_label_that_starves_a_better_one_is_dropped_where_that_is_sure() -> None:
    made = []
    for each in sequences(3.0, units=10):
        thief = np.clip(each.values[:, 1] + 0.02, 0, 1)  # claims what is sniffed, and is not there
        truth = each.truth.copy()
        truth[:, 0] = False
        truth[:3, 0] = True
        made.append(replace(each, values=np.stack([thief, each.values[:, 1]], axis=1), truth=truth))
    settings = switched(Settings(), "thresholds", False)
    assert {key.label: key.dropped for key in fit(made, settings).keys} == {
        "chase": "weak",
        "sniff": "",
    }
    fitted = fit_nested(made, settings, {"kept": switched(settings, "weak", False)})
    assert score_of(fitted, ALL) > score_of(fitted, "kept") + 0.3


def test_calibration_undoes_a_temperature_and_its_error_falls() -> None:
    rng = np.random.default_rng(0)
    logit = rng.normal(-1, 2, 200_000)
    truth = rng.random(len(logit)) < 1 / (1 + np.exp(-logit))
    overconfident = LogitCounts.of((1 / (1 + np.exp(-2 * logit))).astype(np.float32), truth)
    assert temperature_of(overconfident) == pytest.approx(2, rel=0.05)
    assert calibration_error(overconfident, 2.0) < 0.01 < 0.05 < calibration_error(overconfident)
    assert temperature_of(LogitCounts.of(np.full(9, 0.5, np.float32), np.zeros(9, bool))) == 1.0


def test_thresholds_are_those_of_an_exhaustive_search() -> None:
    rng = np.random.default_rng(1)
    values = rng.random((3, 400)).astype(np.float32)
    truth = rng.random((3, 400)) < values**2
    counts = [ThresholdCounts.of(v, t) for v, t in zip(values, truth, strict=True)]
    f1 = [2 * (truth & (values >= t)).sum() / ((values >= t).sum() + truth.sum()) for t in GRID]
    assert best_threshold(counts, 0, 0) == pytest.approx(GRID[int(np.argmax(f1))])
    assert best_threshold(counts, 50, 0) == best_threshold(counts, 50, 0)
    nothing = ThresholdCounts.of(values[0], np.zeros(400, bool))
    assert best_threshold([nothing], 50, 0) is None


def test_the_prior_is_lower_for_a_model_that_never_reaches_it() -> None:
    timid = [with_values(each, each.values * 0.2) for each in sequences(1.5, units=12)]
    fitted = fit_nested(timid, Settings(), {})
    assert fitted.rules.otherwise.threshold < 0.2
    assert score_of(fitted, PLAIN) == 0
    assert score_of(fitted, ALL) > 0.6
    assert fit(sequences(1.5)).otherwise.threshold == 0.30


def test_shrinking_weighs_by_bouts() -> None:
    assert shrunk(0.9, 0.3, 20, 20) == pytest.approx(0.6)
    assert shrunk(0.9, 0.3, 20, 0) == 0.9
    assert shrunk(0.9, 0.3, 0, 20) == 0.3


def test_sigma_is_a_quarter_of_the_median_bout() -> None:
    rules = fit(sequences(1.0, length=24))
    (chase, _) = rules.keys
    assert chase.median_bout == pytest.approx(0.8)
    assert rules.sigma_frames(chase, 30.0) == pytest.approx(6, rel=0.09)  # a quarter octave apart
    assert rules.sigma_frames(chase, 60.0) == pytest.approx(12, rel=0.09)


def test_unknown_frame_rates_count_in_frames() -> None:
    made = [replace(each, frames_per_second=None) for each in sequences(1.0, length=24)]
    rules = fit(made)
    assert rules.clock == "frames"
    assert rules.sigma_frames(rules.keys[0], None) == pytest.approx(6, rel=0.09)
    with pytest.raises(DataError, match="but not those of others"):
        fit([*made[:1], *sequences(1.0)[1:]])


def test_classes_that_exclude_one_another_are_compared_with_the_likeliest() -> None:
    made = []
    for each in sequences(2.0):
        background = ~each.truth.any(axis=1, keepdims=True)
        odds = np.exp(np.concatenate([np.zeros_like(background) + 1.0, 4 * each.values], axis=1))
        made.append(
            replace(
                each,
                lab="",
                labels=("other", *LABELS),
                truth=np.concatenate([background, each.truth], axis=1),
                values=(odds / odds.sum(axis=1, keepdims=True)).astype(np.float32),
                exclusive=True,
            )
        )
    fitted = fit_nested(made, Settings(), {})
    assert fitted.parts[0] == LIKELIEST
    assert [key.label for key in fitted.rules.keys] == list(LABELS)
    frames = fitted.rows[0].counts[:, :, [0, 2]].sum()
    assert frames == 8 * 900  # every frame truly has one class
    rows = fitted.rows[fitted.parts.index(LIKELIEST)]
    expected = sum((each.values.argmax(axis=1) == each.truth.argmax(axis=1)).sum() for each in made)
    assert rows.pooled[:, 0].sum() == expected


def test_what_cannot_be_fitted_is_said() -> None:
    with pytest.raises(DataError, match="no predictions"):
        fit([])
    one = sequences(1.0)
    with pytest.raises(DataError, match="is in two folds"):
        fit([one[0], replace(one[0], fold=3)])
    with pytest.raises(DataError, match="cannot be split"):
        folds_for(["Lab/1", "Lab/1"])
    with pytest.raises(ConfigError, match="is not a part of post-processing"):
        switched(Settings(), "magic", True)


def test_every_part_can_be_switched_off_and_on() -> None:
    for part in PARTS:
        off = switched(Settings(), part, False)
        assert not getattr(off, part)
        assert bool(getattr(switched(off, part, True), part))
        assert msgspec.structs.asdict(switched(off, part, bool(getattr(Settings(), part)))) == (
            msgspec.structs.asdict(Settings())
        )
