"""Learning from a run's predictions on videos that nobody has labelled."""

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from core.data.synthetic import SyntheticSettings, synthesise
from core.ensembles.members import input_of
from core.errors import ConfigError, DataError, RunError
from core.inference.other_runs import build_with_others
from core.inference.predictor import load_predictor
from core.run.events import DataReady, Finished, Warned
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.tasks.behaviour.inference.predictor import FramePredictor
from core.tasks.behaviour.task import BehaviourTask
from core.tasks.build import build_task
from core.tasks.videos import unlabelled
from tests.core.inference.learning import requested, started, toy_that

CPU = torch.device("cpu")
LEARNING = ["training.pseudo_labels=some run", "training.pseudo_share=0.4"]
Request = Callable[..., RunRequest]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five videos, of which two have lost their annotation."""
    folder = tmp_path_factory.mktemp("data") / "mice"
    synthesise(folder, SyntheticSettings(videos=5, frames=300), workers=1)
    for path in sorted((folder / "train_annotation").rglob("*.parquet"))[:2]:
        path.unlink()
    return folder


@pytest.fixture(scope="module")
def source(data: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A run that was trained on the labelled videos."""
    return started(tmp_path_factory.mktemp("home"), requested(data, "aaaa", []))


@pytest.fixture
def built(source: RunDir, data: Path) -> Callable[[], BehaviourTask]:
    request = requested(data, "cccc", LEARNING, pseudo=(input_of(source),))

    def build() -> BehaviourTask:
        cache = source.path.parents[1] / "cache"
        task = build_with_others(source.path.parent, request, cache, CPU, lambda *_: None)
        assert isinstance(task, BehaviourTask)
        return task

    return build


def test_a_run_says_what_it_learns_from_and_validates_as_before(source: RunDir, data: Path) -> None:
    request = requested(data, "bbbb", LEARNING, pseudo=(input_of(source),))
    run = started(source.path.parents[1], request)
    history = run.history()
    assert history.last(Finished) is not None
    said = [each.message for each in history.of(Warned) if each.code == "pseudo_labels"]
    assert said == ["2 unlabelled videos (600 frames) count with labels that some run predicts"]
    resolved, before = run.read_request().resolved, source.read_request().resolved
    assert resolved is not None
    assert before is not None
    assert resolved.validation_units == before.validation_units
    steps = [r.history().of(DataReady)[0].steps_per_epoch for r in (source, run)]
    assert steps[1] == steps[0] + round(steps[0] * 0.4 / 0.6)
    assert not [each for each in history.of(Warned) if each.code == "pseudo_labels_leak"]


def test_the_targets_are_what_the_run_predicts(source: RunDir, built, data: Path) -> None:
    predictor = load_predictor(source, device="cpu")
    assert isinstance(predictor, FramePredictor)
    task = built()
    labels = task._soft._labels
    for place, video in enumerate(unlabelled(data)):
        offset, frames = labels.store.offsets[place], labels.store.frames[place]
        np.testing.assert_array_equal(
            labels.probabilities[offset : offset + frames].numpy(),
            predictor.predict_one(video).probabilities,
        )
    soft = [batch.soft for batch in task.train_batches(1) if batch.soft is not None]
    assert sum(map(len, soft)) > 0
    assert (
        torch.cat(soft).sum(-1).sub(1).abs().max() < 1e-5
    )  # windows of 300 frames have no padding


def test_labelled_batches_are_those_of_a_run_without_and_any_can_be_resumed_at(
    source: RunDir, built, data: Path
) -> None:
    def told(batches):
        return [(b.inputs.sum().item(), b.targets.sum().item(), b.soft is None) for b in batches]

    plain = build_task(
        requested(data, "dddd", []), source.path.parents[1] / "cache", CPU, lambda *_: None
    )
    task = built()
    both = told(task.train_batches(2))
    assert len(both) == task.steps_per_epoch()
    assert [each for each in both if each[2]] == told(plain.train_batches(2))
    kinds = [each[2] for each in both]
    assert 0 < kinds.index(False) < len(kinds) - 2, "they are spread over the epoch"
    for skip in (1, 3, len(both) - 1):
        assert told(task.train_batches(2, skip)) == both[skip:]


def test_predictions_are_kept_for_other_runs(built, monkeypatch: pytest.MonkeyPatch) -> None:
    first = built()
    monkeypatch.setattr(FramePredictor, "predict_one", lambda *_: pytest.fail("predicted again"))
    assert torch.equal(built()._soft._labels.probabilities, first._soft._labels.probabilities)


def test_a_run_that_knows_the_validation_is_told(source: RunDir, data: Path) -> None:
    request = requested(
        data, "eeee", [*LEARNING, "data.split_seed=3", "data.validation_fraction=0.7"],
        pseudo=(input_of(source),),
    )  # fmt: skip
    cache = source.path.parents[1] / "cache"
    task = build_with_others(source.path.parent, request, cache, CPU, lambda *_: None)
    assert [remark.code for remark in task.summary.warnings][-1] == "pseudo_labels_leak"


def test_what_cannot_be_is_told_in_one_line(source: RunDir, data: Path, tmp_path: Path) -> None:
    def build(request: RunRequest) -> None:
        build_with_others(source.path.parent, request, tmp_path / "cache", CPU, lambda *_: None)

    pseudo = (input_of(source),)
    toy = toy_that(tmp_path / "p1-20260101T000000-ffff", pseudo_labels="x")
    with pytest.raises(ConfigError, match=r"task 'pairs' .* cannot learn from predictions"):
        build(msgspec.structs.replace(toy, pseudo=pseudo))
    with pytest.raises(RunError, match=r"run\.toml has no \[\[pseudo\]\]"):
        build(requested(data, "gggg", LEARNING))
    gone = (msgspec.structs.replace(pseudo[0], run="v6-20260101T000000-gone"),)
    with pytest.raises(RunError, match=r"training\.pseudo_labels: .* missing"):
        build(requested(data, "hhhh", LEARNING, pseudo=gone))
    whole = tmp_path / "whole"
    shutil.copytree(data, whole)
    for path in (whole / "train_tracking").rglob("*.parquet"):
        if not list((whole / "train_annotation").rglob(path.name)):
            path.unlink()
    with pytest.raises(DataError, match="needs videos with a tracking file and no annotation"):
        build(requested(whole, "iiii", LEARNING, pseudo=pseudo))
    more = 'classes=["other","social","mating","aggressive","rare"]'
    with pytest.raises(ConfigError, match=r"a run that tells the same classes apart: .*rare"):
        build(
            requested(data, "jjjj", [*LEARNING, more, "training.class_weights=none"], pseudo=pseudo)
        )
