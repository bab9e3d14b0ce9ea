"""Decisions by rules, one action of each pair at a time."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.errors import ConfigError, MisuseError, RunError, UserError
from core.evaluation.pair_probabilities import PairProbabilities
from core.postprocess.decide import decide, decide_classes
from core.postprocess.rules import KeyRule, Rules
from core.postprocess.smoothing import gaussian
from core.postprocess.store import names_of, read_rules, rules_of, write_rules
from core.run.rundir import RunDir

ACTIONS = ("attack", "chase", "sniff")


def video(values: np.ndarray, fps: float = 30.0) -> PairProbabilities:
    """One pair, mouse 2 towards mouse 1."""
    return PairProbabilities(
        *("7", "Lab", fps, np.array([2]), np.array([1]), ACTIONS[: values.shape[1]]),
        values[None].astype(np.float32),
    )


def spans(values: np.ndarray, rules: Rules, fps: float = 30.0) -> list[tuple[str, int, int]]:
    bouts = decide(video(values, fps), rules)
    return list(zip(bouts.action, bouts.start.tolist(), bouts.stop.tolist(), strict=True))


def rules_with(*keys: KeyRule, **parts: object) -> Rules:
    return Rules(keys=keys, **parts)  # type: ignore[arg-type]


def key(label: str, threshold: float, **more: object) -> KeyRule:
    return KeyRule(lab="Lab", label=label, threshold=threshold, **more)  # type: ignore[arg-type]


@given(
    hnp.arrays(np.float32, st.integers(1, 50), elements=st.floats(0, 1, width=32)),
    st.floats(0, 1, width=32),
)
def test_a_constant_without_parts_is_the_plain_threshold(
    values: np.ndarray, threshold: float
) -> None:
    found = np.zeros(len(values), bool)
    for action, start, stop in spans(values[:, None], Rules.constant(threshold)):
        assert action == "attack"
        found[start:stop] = True
    np.testing.assert_array_equal(found, values >= threshold)


def test_what_is_not_annotated_is_never_decided() -> None:
    values = np.full((4, 2), np.nan)
    values[:, 1] = 0.9
    assert spans(values, Rules.constant(0.0)) == [("chase", 0, 4)]
    assert spans(np.full((4, 2), np.nan), Rules.constant(0.5)) == []


def test_the_action_farthest_above_its_threshold_in_logits_wins() -> None:
    values = np.array([[0.55, 0.30], [0.55, 0.10], [0.80, 0.30], [0.2, 0.05]])
    keys = key("attack", 0.5), key("chase", 0.1)
    assert spans(values, rules_with(*keys)) == [
        *(("chase", 0, 1), ("attack", 1, 3)),
    ]
    by_probability = rules_with(*keys, choice="probability")
    assert spans(values, by_probability) == [("attack", 0, 3)]


def test_a_dropped_action_is_never_decided_and_takes_nothing_from_others() -> None:
    values = np.array([[0.9, 0.6], [0.9, 0.1]])
    keys = key("attack", 0.5, dropped="weak"), key("chase", 0.5)
    assert spans(values, rules_with(*keys)) == [("chase", 0, 1)]


def test_no_two_actions_of_a_pair_share_a_frame() -> None:
    values = np.random.default_rng(0).random((500, 3))
    bouts = decide(video(values), Rules.constant(0.2))
    frames = np.concatenate([np.arange(a, b) for a, b in zip(bouts.start, bouts.stop, strict=True)])
    assert len(np.unique(frames)) == len(frames) > 400
    assert {*bouts.agent, *bouts.target} == {1, 2}


def test_times_in_seconds_follow_the_frame_rate() -> None:
    values = np.zeros((40, 1))
    values[[4, 5, 6, 9, 10, 30]] = 1
    rules = rules_with(
        key("attack", 0.5), merge_gap=0.1, min_length=0.2
    )  # at 30: 3 and 6 frames; at 10: 1 and 2
    assert spans(values, rules) == [("attack", 4, 11)]
    assert spans(values, rules, fps=10.0) == [("attack", 4, 7), ("attack", 9, 11)]


def test_a_gaussian_keeps_constants_and_sums_and_its_width() -> None:
    np.testing.assert_allclose(gaussian(np.full(9, 0.3, np.float32), 20.0), 0.3, rtol=1e-6)
    impulse = np.zeros(201, np.float32)
    impulse[100] = 1
    smooth = gaussian(impulse, 5.0).astype(float)
    frames = np.arange(201) - 100
    assert smooth.sum() == pytest.approx(1)
    assert np.sqrt((smooth * frames**2).sum()) == pytest.approx(5, rel=0.01)
    np.testing.assert_array_equal(gaussian(impulse, 0.0), impulse)


def test_a_key_smooths_by_seconds_within_bounds() -> None:
    rules = Rules()
    assert rules.sigma_frames(key("attack", 0.5, sigma=0.1), 50.0) == 5
    assert rules.sigma_frames(key("attack", 0.5, sigma=0.001), 50.0) == 1
    assert rules.sigma_frames(key("attack", 0.5, sigma=9.0), 50.0) == 60
    assert rules.sigma_frames(key("attack", 0.5), 50.0) == 0
    with pytest.raises(UserError, match="frame rate is unknown"):
        rules.sigma_frames(key("attack", 0.5, sigma=0.1), None)


def test_classes_with_thresholds_are_decided_against_the_background() -> None:
    probabilities = np.array([[0.6, 0.4, 0.0], [0.6, 0.2, 0.2], [0.5, 0.1, 0.4]], np.float32)
    classes = ("other", "social", "mating")
    rules = Rules(
        keys=(KeyRule(label="social", threshold=0.3), KeyRule(label="mating", threshold=0.2))
    )
    assert decide_classes(probabilities, rules, classes).tolist() == [1, 2, 2]
    assert decide_classes(probabilities, Rules.likeliest()).tolist() == [0, 0, 0]
    with pytest.raises(ConfigError, match="names for 3 classes"):
        decide_classes(probabilities, rules, classes[:2])


def test_rules_survive_a_file_and_are_named(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "v8-run")
    run.path.mkdir()
    rules = rules_with(key("attack", 0.4, sigma=0.2), created="2026", metric="score")
    path = write_rules(run, "default", rules)
    assert path == run.path / "postprocess" / "default.toml"
    assert rules_of(run) == rules == rules_of(run, str(path))
    assert names_of(run) == ["default"]
    with pytest.raises(UserError, match="there already"):
        write_rules(run, "default", rules)
    write_rules(run, "default", Rules.constant(0.3), replace=True)
    assert rules_of(run) == Rules.constant(0.3)
    with pytest.raises(RunError, match="no post-processing 'other'; it has default"):
        rules_of(run, "other")
    with pytest.raises(MisuseError, match="cannot name rules"):
        write_rules(run, "../x", rules)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("schema = 99", "written by a newer mabe"),
        ("choice = 'coin'", "choice"),
        ("thresholds = 1", "thresholds"),
        ("schema =", "cannot be read"),
    ],
)
def test_a_file_that_is_no_rules_is_named(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(text)
    with pytest.raises(RunError, match=problem) as caught:
        read_rules(path)
    assert str(path) in str(caught.value)
