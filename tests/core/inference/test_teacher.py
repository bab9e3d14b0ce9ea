"""Learning from the probabilities that another run gives the training videos."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from core.data.competition import read_videos
from core.data.synthetic import SyntheticSettings, synthesise
from core.ensembles.members import input_of
from core.errors import ConfigError, RunError
from core.inference.checkpoints import load_checkpoint
from core.inference.other_runs import build_with_others
from core.inference.predictor import load_predictor
from core.run.events import Finished
from core.run.request import Input
from core.run.rundir import RunDir
from core.system.files import sha256_of
from core.tasks.behaviour.inference.predictor import FramePredictor
from core.tasks.behaviour.task import BehaviourTask
from core.training.identity import weights_hash
from tests.core.inference.learning import requested, started, toy_that

CPU = torch.device("cpu")
TAUGHT = ["training.teacher=some run"]
Build = Callable[..., BehaviourTask]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "mice"
    synthesise(folder, SyntheticSettings(videos=4, frames=300), workers=1)
    return folder


@pytest.fixture(scope="module")
def source(data: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """The teacher: with other features than its students."""
    home = tmp_path_factory.mktemp("home")
    more = ["training.keep_predictions=true", 'features.inputs=["contact"]']
    return started(home, requested(data, "aaaa", more))


@pytest.fixture
def built(source: RunDir, data: Path) -> Build:
    def build(*overrides: str, **more: object) -> BehaviourTask:
        more = {"teacher": (input_of(source),)} | more
        request = requested(data, "cccc", [*TAUGHT, *overrides], **more)
        cache = source.path.parents[1] / "cache"
        task = build_with_others(source.path.parent, request, cache, CPU, lambda *_: None)
        assert isinstance(task, BehaviourTask)
        return task

    return build


def test_windows_carry_what_the_teacher_says_of_their_frames(
    source: RunDir, built: Build, data: Path
) -> None:
    predictor = load_predictor(source, device="cpu")
    assert isinstance(predictor, FramePredictor)
    said = {
        video.video_id: predictor.predict_one(video).probabilities for video in read_videos(data)
    }
    task = built("training.augmentation.jitter_frames=0")
    names = {video: task._store.names[video] for video in task._train_videos}
    batches = [(batch.teacher, batch.targets) for batch in task.train_batches(1)]
    found = torch.cat([teacher for teacher, _ in batches if teacher is not None])
    assert len(found) == task.summary.train_samples
    index = task._train
    expected = {
        (said[names[int(video)]][start : start + index.length]).tobytes()
        for video, start in zip(index.video, index.start, strict=True)
    }
    assert {each.numpy().tobytes() for each in found} == expected


def test_jitter_and_mixup_leave_the_answers_with_their_frames(built: Build) -> None:
    plain = built("training.augmentation.jitter_frames=9")
    truth = torch.nn.functional.one_hot(plain._classes.long(), 4).float()
    labels = plain._taught
    assert labels is not None
    videos = np.flatnonzero(labels._place >= 0)
    part = [
        truth[plain._store.offsets[v] : plain._store.offsets[v] + plain._store.frames[v]]
        for v in videos
    ]
    labels._labels.values[:] = torch.cat(part)  # a copy in memory: the file stays as it is
    for batch in plain.train_batches(2):
        assert batch.teacher is not None
        counted = batch.weights > 0
        assert torch.equal(batch.teacher.argmax(-1)[counted], batch.targets[counted])
    mixed = built("training.mixup_alpha=0.4")
    for batch in mixed.train_batches(2):
        assert batch.teacher is not None
        assert (batch.teacher.sum(-1) - 1).abs().max() < 1e-5


def test_any_batch_can_be_resumed_at_and_taken_by_rows(built: Build) -> None:
    task = built("training.mixup_alpha=0.4")

    def told(skip: int) -> list[float]:
        return [b.teacher.double().sum().item() for b in task.train_batches(3, skip)]  # type: ignore[union-attr]

    whole = told(0)
    assert told(2) == whole[2:]
    batch = next(iter(task.train_batches(1)))
    part = batch.take(torch.tensor([1, 0]))
    assert part.teacher is not None
    assert batch.teacher is not None
    assert torch.equal(part.teacher, batch.teacher[[1, 0]])


def test_a_share_of_nothing_gives_the_weights_of_a_run_without(source: RunDir, data: Path) -> None:
    home, teacher = source.path.parents[1], (input_of(source),)

    def trained(name: str, *overrides: str, **more: object) -> str:
        run = started(home, requested(data, name, ["training.epochs=1", *overrides], **more))
        assert run.history().last(Finished) is not None
        return weights_hash(load_checkpoint(run, "last").weights)

    plain = trained("dddd")
    assert trained("eeee", *TAUGHT, "training.teacher_share=0", teacher=teacher) == plain
    assert trained("ffff", *TAUGHT, "training.teacher_share=1e-3", teacher=teacher) != plain


def test_answers_are_kept_and_kept_predictions_are_preferred(
    source: RunDir, built: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    built()
    monkeypatch.setattr(FramePredictor, "predict_one", lambda *_: pytest.fail("asked again"))
    built("training.teacher_temperature=2")
    kept = Input(run=source.id, file="predictions.parquet", sha256=sha256_of(source.predictions))
    validated = source.read_request().resolved
    assert validated is not None
    # Trained on what the teacher was validated on, where it has kept its predictions.
    names = [f"data.validation_videos={[*validated.train_units]}".replace("'", '"')]
    task = built(*names, teacher_kept=kept)
    assert {*task.summary.train_units} == {*validated.validation_units}
    assert [each.code for each in task.summary.warnings][-1] == "teacher_leak"
    changed = msgspec.structs.replace(kept, sha256="0" * 64)
    with pytest.raises(RunError, match=r"training\.teacher: .*predictions\.parquet: gone, or not"):
        built(*names, teacher_kept=changed)


def test_a_teacher_of_the_same_split_has_seen_nothing(built: Build) -> None:
    assert not [each for each in built().summary.warnings if "leak" in each.code]


def test_what_cannot_be_is_told_in_one_line(source: RunDir, built: Build, tmp_path: Path) -> None:
    teacher = (input_of(source),)
    toy = toy_that(tmp_path / "p1-20260101T000000-ffff", teacher="x")
    with pytest.raises(ConfigError, match=r"task 'pairs' .* cannot learn from a teacher"):
        build_with_others(
            source.path.parent,
            msgspec.structs.replace(toy, teacher=teacher),
            tmp_path,
            CPU,
            lambda *_: None,
        )
    with pytest.raises(RunError, match=r"run\.toml has no \[\[teacher\]\]"):
        built(teacher=())
    gone = (msgspec.structs.replace(teacher[0], sha256="1" * 64),)
    with pytest.raises(RunError, match=r"training\.teacher: .* damaged"):
        built(teacher=gone)
    more = 'classes=["other","social","mating","aggressive","rare"]'
    with pytest.raises(ConfigError, match=r"tells other classes apart: other, .*; this run .*rare"):
        built(more, "training.class_weights=none")
