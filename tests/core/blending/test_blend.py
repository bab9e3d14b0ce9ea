"""Second levels on made-up members."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.blending.blend import BLENDERS, Blend, blended, blended_rows
from core.blending.sample import Sample, log_odds
from core.blending.saved import WHOLE, blend_of, blend_table
from core.errors import CheckpointError, ConfigError
from core.training.checkpoint_file import read_checkpoint, write_checkpoint

ROWS = 4000
EXACT = ("weighted", "rank")
"""Ways that leave a single member as it is; the others calibrate it."""


def beat() -> None:
    """Go on."""


def classes(
    noise: tuple[float, ...] = (1.0, 2.0), seed: int = 0, labels: int = 3, rows: int = ROWS
) -> Sample:
    """Members that know a class with errors of their own."""
    rng = np.random.default_rng(seed)
    truth = np.eye(labels, dtype=np.float32)[rng.choice(labels, rows, p=None)]
    members = []
    for each in noise:
        scores = 2 * truth + each * rng.normal(size=truth.shape)
        found = np.exp(scores)
        members.append(found / found.sum(axis=1, keepdims=True))
    return Sample(np.array(members, np.float32), truth, np.ones(rows), exclusive=True)


def actions(noise: tuple[float, ...] = (1.0, 2.0), seed: int = 0, rows: int = ROWS) -> Sample:
    """Labels of which several may be true, and a third of which is not annotated."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((rows, 3)) < (0.5, 0.2, 0.05)).astype(np.float32)
    unknown = rng.random(truth.shape) < 1 / 3
    scores = [3 * truth - 1.5 + each * rng.normal(size=truth.shape) for each in noise]
    members = (1 / (1 + np.exp(-np.array(scores)))).astype(np.float32)
    truth[unknown] = np.nan
    members[:, unknown] = np.nan
    return Sample(members, truth, np.ones(rows), exclusive=False)


def log_loss(sample: Sample, found: NDArray[np.float32]) -> float:
    known = sample.known & ~np.isnan(found)
    truth, given = sample.truth[known], np.clip(found[known].astype(np.float64), 1e-6, 1 - 1e-6)
    return float(-np.mean(truth * np.log(given) + (1 - truth) * np.log(1 - given)))


@pytest.mark.parametrize("how", BLENDERS)
@pytest.mark.parametrize("make", [classes, actions])
def test_what_is_blended_are_probabilities_no_worse_than_the_best_member(how: str, make) -> None:
    pytest.importorskip("lightgbm")
    blender = BLENDERS[how].fitted(make(), 1, beat)
    fresh = make(seed=5)
    found = blended_rows(blender, fresh.members)
    known = ~np.isnan(fresh.members).any(axis=0)
    np.testing.assert_array_equal(np.isnan(found), ~known)
    assert ((found[known] >= 0) & (found[known] <= 1)).all()
    if fresh.exclusive:
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    worst = {"rank": 1.15}.get(how, 1.02)  # ranks give both members the same say
    assert log_loss(fresh, found) < worst * min(log_loss(fresh, each) for each in fresh.members)


@pytest.mark.parametrize("how", EXACT)
@pytest.mark.parametrize("make", [classes, actions])
@pytest.mark.parametrize("count", [1, 3])
def test_a_member_alone_or_with_itself_stays_as_it_is(how: str, make, count: int) -> None:
    sample = make(noise=(1.0,))
    twice = Sample(
        np.repeat(sample.members, count, 0), sample.truth, sample.weights, sample.exclusive
    )
    found = blended_rows(BLENDERS[how].fitted(twice, 1, beat), twice.members)
    np.testing.assert_allclose(found, sample.members[0], atol=2e-3 if how == "rank" else 1e-6)


@pytest.mark.parametrize("how", ["logistic", "stack"])
def test_a_member_with_itself_is_no_better_than_alone(how: str) -> None:
    pytest.importorskip("lightgbm")
    one, fresh = classes(noise=(1.0,)), classes(noise=(1.0,), seed=5)
    losses = []
    for count in (1, 2):
        sample, held = (np.repeat(each.members, count, 0) for each in (one, fresh))
        fitted = BLENDERS[how].fitted(
            Sample(sample, one.truth, one.weights, exclusive=True), 1, beat
        )
        losses.append(log_loss(fresh, blended_rows(fitted, held)))
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


@pytest.mark.parametrize("how", ["weighted", "logistic", "stack"])
def test_of_shuffled_labels_nothing_is_learned(how: str) -> None:
    pytest.importorskip("lightgbm")
    sample = classes()
    shuffled = np.random.default_rng(3).permutation(sample.truth)
    null = Sample(sample.members, shuffled, sample.weights, exclusive=True)
    fresh = classes(seed=5)
    chance = Sample(
        fresh.members, np.random.default_rng(4).permutation(fresh.truth), fresh.weights, True
    )
    found = blended_rows(BLENDERS[how].fitted(null, 1, beat), fresh.members)
    guess = np.full_like(found, 1 / 3)
    assert log_loss(chance, found) > 0.99 * log_loss(chance, guess)
    right = (found.argmax(axis=1) == chance.truth.argmax(axis=1)).mean()
    assert abs(right - 1 / 3) < 0.03


def test_weights_are_those_of_the_least_log_loss() -> None:
    sample = classes()
    fitted = BLENDERS["weighted"].fitted(sample, 1, beat).state()["weights"].numpy()
    assert fitted.sum() == pytest.approx(1)
    mixtures = [(w, 1 - w) for w in np.linspace(0, 1, 201)]
    truth = sample.truth.argmax(axis=1)
    given = sample.members[:, np.arange(ROWS), truth].astype(np.float64)
    losses = [-np.log(np.array(mixture) @ given).mean() for mixture in mixtures]
    assert fitted[0] == pytest.approx(mixtures[int(np.argmin(losses))][0], abs=0.01)


def test_a_label_without_examples_is_answered_by_the_mean_of_logits_or_of_probabilities() -> None:
    pytest.importorskip("lightgbm")
    sample = actions()
    truth = sample.truth.copy()
    truth[:, 1] = np.where(np.isnan(truth[:, 1]), np.nan, 0)
    truth[:, 2] = np.nan
    bare = Sample(sample.members, truth, sample.weights, exclusive=False)
    known = ~np.isnan(sample.members[0])
    for label in (1, 2):
        rows = known[:, label]
        mean = sample.members[:, rows, label].mean(axis=0)
        stack = blended_rows(BLENDERS["stack"].fitted(bare, 1, beat), sample.members)
        np.testing.assert_allclose(stack[rows, label], mean, atol=1e-6)
        logits = log_odds(sample.members[:, rows, label]).mean(axis=0)
        logistic = blended_rows(BLENDERS["logistic"].fitted(bare, 1, beat), sample.members)
        np.testing.assert_allclose(logistic[rows, label], 1 / (1 + np.exp(-logits)), atol=1e-5)


def test_the_order_of_mean_ranks_survives_where_members_use_other_scales() -> None:
    rng = np.random.default_rng(0)
    first = rng.random((500, 1)).astype(np.float32)
    other = rng.random((500, 1)).astype(np.float32)
    sample = Sample(
        np.array([first, other**9]), np.zeros((500, 1), np.float32), np.ones(500), False
    )
    found = blended_rows(BLENDERS["rank"].fitted(sample, 1, beat), sample.members)[:, 0]
    ranks = (first[:, 0].argsort().argsort() + other[:, 0].argsort().argsort()) / 2
    low, high = ranks < np.quantile(ranks, 0.3), ranks > np.quantile(ranks, 0.7)
    assert found[low].max() < found[high].min()
    assert found.mean() == pytest.approx(float(sample.members.mean()), abs=0.01)


@pytest.mark.parametrize("how", BLENDERS)
def test_it_is_the_same_after_a_checkpoint(how: str, tmp_path) -> None:
    pytest.importorskip("lightgbm")
    sample = actions(rows=1500)
    blender = BLENDERS[how].fitted(sample, 1, beat)
    content = {"model": {WHOLE: blender.state()}}
    content |= {"input_spec": blend_table(how, (0, 0, 1), "abc")}
    empty = ("experiment", "average", "optimizer", "schedule", "scaler", "progress", "task")
    content |= {part: {} for part in empty} | {"rng": [], "pointers": []}
    sha256, _ = write_checkpoint(tmp_path / "x.pt", content)
    read = read_checkpoint(tmp_path / "x.pt", sha256)
    blend = blend_of(read["input_spec"], read["model"], "x.pt")
    assert blend.groups == (0, 0, 1)
    before = blended_rows(blender, sample.members)
    np.testing.assert_array_equal(blend.apply(list(sample.members)), before)
    again = BLENDERS[how].fitted(sample, 1, beat)
    np.testing.assert_array_equal(blended_rows(again, sample.members), before)


def test_another_checkpoint_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"x\.pt: not a fitted second level"):
        blend_of({"kind": "boost"}, {}, "x.pt")
    table = blend_table("stack", (0,), "ab")
    pytest.importorskip("lightgbm")
    with pytest.raises(CheckpointError, match="not a model of LightGBM"):
        blend_of(table, {WHOLE: {"models": {"all": "tree"}, "exclusive": True}}, "x.pt")


def test_without_lightgbm_a_stack_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "lightgbm", None)
    with pytest.raises(ConfigError, match=r"--how stack needs LightGBM.*mabe\[boost\]"):
        BLENDERS["stack"].fitted(classes(rows=50), 1, beat)


def test_a_stop_is_heard_while_fitting() -> None:
    def stop() -> None:
        raise InterruptedError

    pytest.importorskip("lightgbm")
    for how in BLENDERS:
        with pytest.raises(InterruptedError):
            BLENDERS[how].fitted(classes(rows=200), 1, stop)


# ── several models ────────────────────────────────────────────────────────────────────────────


def test_models_are_asked_once_and_those_of_a_member_averaged_before_the_blend() -> None:
    asked: list[float] = []

    def predict(model: float) -> NDArray[np.float32]:
        asked.append(model)
        return np.full((2, 5, 3), model, np.float32)

    assert (blended([0.25, 0.75, 0.75], predict)[0, 0] == np.float32(1.75 / 3)).all()
    weights = {"weights": torch.tensor([0.9, 0.1], dtype=torch.float64)}
    blend = Blend(BLENDERS["weighted"].restored(weights), (0, 0, 1))
    found = blended([0.25, 0.75, 0.25], predict, blend)
    np.testing.assert_allclose(found, 0.9 * 0.5 + 0.1 * 0.25, rtol=1e-6)
    assert found.shape == (2, 5, 3)
    assert asked == [0.25, 0.75, 0.25, 0.75]
