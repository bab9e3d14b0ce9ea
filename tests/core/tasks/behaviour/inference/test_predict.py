"""Predicting on data folders: training's features, every frame, one video at a time."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from core.data.actions import ACTIONS
from core.data.competition import read_tracking, read_videos
from core.data.keypoints import MARS_7
from core.data.prepared import prepare
from core.data.synthetic import SyntheticSettings, synthesise
from core.errors import CheckpointError, DataError
from core.features.mirror import mirrored
from core.features.settings import FeatureConfig
from core.frames.store import FrameStore
from core.inference.pair_predictor import load_pair_predictor
from core.inference.predictor import load_predictor
from core.models.build import build_model
from core.models.input_spec import InputSpec
from core.models.settings import ModelConfig
from core.run.rundir import RunDir
from core.tasks.behaviour.inference.predictor import FramePredictor
from core.tasks.behaviour.settings import BehaviourDataConfig, BehaviourExperiment
from core.tasks.behaviour.task import BehaviourTask
from core.tasks.predictor import PredictionOptions
from core.tasks.videos import predictable
from tests.core.features.whole_videos import features_of

SaveRun = Callable[..., RunDir]
CPU = torch.device("cpu")
SPEC = InputSpec(features=28, outputs=4, mice=2, keypoints=7, blocks={"coordinates": slice(0, 28)})
MOTION = FeatureConfig(inputs=("coordinates", "speed", "acceleration"))
GAPS = FeatureConfig(
    inputs=("coordinates", "speed"), frame_gap=3, interpolate_gap=4, mask_channels=True, units="cm"
)


def loaded(run: RunDir) -> FramePredictor:
    predictor = load_predictor(run, device="cpu")
    assert isinstance(predictor, FramePredictor)
    return predictor


def experiment_with(
    features: FeatureConfig, actions: dict[str, str] | None = None
) -> BehaviourExperiment:
    return BehaviourExperiment(
        name="tiny",
        actions=actions or {"sniff": "social", "mount": "mating", "attack": "aggressive"},
        data=BehaviourDataConfig(validation_fraction=0.34),
        features=features,
        model=ModelConfig(name="tcn", channels=(8, 8, 8, 8)),
    )


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("synthetic") / "mice"
    synthesise(root, SyntheticSettings(videos=3, frames=900, missing_points=0.05), workers=1)
    return root


@pytest.fixture
def data(synthetic: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(synthetic, tmp_path / "mice"))


@pytest.fixture
def trained_on(synthetic: Path, tmp_path: Path, save_run: SaveRun) -> Callable[..., RunDir]:
    """Make a run with the task state of training on the synthetic data, and random weights."""

    def make(experiment: BehaviourExperiment, root: Path = synthetic, **options: object) -> RunDir:
        config = experiment.data
        prepared = prepare(root, tmp_path / "cache", config.keypoints, config.mice, workers=1)
        task = BehaviourTask(experiment, prepared, CPU, seed=0)
        return save_run(experiment, task.input_spec, task.state_dict(), **options)

    return make


@pytest.mark.parametrize("features", [FeatureConfig(), MOTION, GAPS], ids=["v5", "v6", "gaps"])
def test_a_video_gets_what_one_pass_over_its_features_gives(
    synthetic: Path, trained_on: Callable[..., RunDir], features: FeatureConfig
) -> None:
    experiment = experiment_with(features)
    predictor = loaded(trained_on(experiment))
    prepared_state = predictor._members[0]._pipeline  # the pipeline itself is tested where it lives
    videos = read_videos(synthetic)
    spec = InputSpec(prepared_state.features, 4, 2, 7, prepared_state.blocks)
    torch.manual_seed(0)
    model = build_model(experiment.model, spec).eval()
    predictions = list(predictor.predict(videos))
    assert [each.video_id for each in predictions] == [video.video_id for video in videos]
    for prediction, video in zip(predictions, videos, strict=True):
        positions = read_tracking(video, MARS_7, 2).positions
        inputs = features_of(
            prepared_state, positions, video.frames_per_second, video.pixels_per_cm
        )
        with torch.inference_mode():
            expected = model(inputs[None]).softmax(-1)[0].numpy()
        np.testing.assert_allclose(prediction.probabilities, expected, atol=1e-5)
        assert prediction.probabilities.dtype == np.float32
        assert prediction.lab_id == video.lab_id
        np.testing.assert_array_equal(prediction.classes, prediction.probabilities.argmax(1))


def test_with_tta_a_video_and_its_mirror_image_get_the_mean_of_both(
    synthetic: Path, trained_on: Callable[..., RunDir]
) -> None:
    predictor = loaded(trained_on(experiment_with(MOTION)))
    video = read_videos(synthetic)[0]
    positions = read_tracking(video, MARS_7, 2).positions
    image = FrameStore.of_video(mirrored(positions, MARS_7), video.frames_per_second)
    plain, of_image = predictor.predict_one(video), predictor.predict_frames_of(image)
    assert not np.allclose(plain.probabilities, of_image, atol=1e-3)
    both = predictor.predict_one(video, tta=True)
    np.testing.assert_allclose(both.probabilities, (plain.probabilities + of_image) / 2, atol=1e-5)
    np.testing.assert_array_equal(both.classes, both.probabilities.argmax(1))


def test_with_tta_borders_between_chunks_are_moved_where_they_matter(
    synthetic: Path, trained_on: Callable[..., RunDir]
) -> None:
    experiment = msgspec.structs.replace(
        experiment_with(FeatureConfig()),
        model=ModelConfig(name="transformer", hidden_size=8, heads=2, layers=1, feed_forward=8),
    )
    predictor = loaded(trained_on(experiment))
    (member,) = predictor._members
    video = read_videos(synthetic)[0]
    positions = read_tracking(video, MARS_7, 2).positions
    answers = [
        member.predict_frames_of(
            FrameStore.of_video(each, video.frames_per_second),
            chunking=member._chunking.shifted(share),
        )
        for share in (0, 0.5)
        for each in (positions, mirrored(positions, MARS_7))
    ]
    assert not np.allclose(answers[0], answers[2], atol=1e-4)
    expected = np.mean(answers, axis=0)
    found = predictor.predict_one(video, tta=True).probabilities
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_classes_are_predicted_as_actions_of_pairs(
    synthetic: Path, trained_on: Callable[..., RunDir]
) -> None:
    experiment = experiment_with(FeatureConfig())
    run, video = trained_on(experiment), read_videos(synthetic)[0]
    found = load_pair_predictor(run, "cpu").pair_probabilities(video)
    classes = loaded(run).predict_one(video).probabilities
    assert found.annotated.any()
    for pair, action in np.argwhere(found.annotated):
        name = experiment.actions[ACTIONS[action]]
        column = experiment.classes.index(name)
        np.testing.assert_array_equal(found.values[pair, :, action], classes[:, column])


def test_a_folder_without_labels_is_predicted(
    data: Path, trained_on: Callable[..., RunDir]
) -> None:
    predictor = loaded(trained_on(experiment_with(FeatureConfig())))
    expected = [each.probabilities for each in predictor.predict(predictable(data)[0])]
    shutil.rmtree(data / "train_annotation")
    (data / "train_tracking").rename(data / "test_tracking")
    rows = list(csv.DictReader((data / "train.csv").open()))
    with (data / "test.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(row | {"behaviors_labeled": ""} for row in rows)
    (data / "train.csv").unlink()
    videos, missing = predictable(data)
    assert missing == []
    told: list[tuple[int, int]] = []
    answers = predictor.predict(videos, lambda done, total, _: told.append((done, total)))
    for answer, probabilities in zip(answers, expected, strict=True):
        np.testing.assert_array_equal(answer.probabilities, probabilities)
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_videos_are_read_when_they_are_asked_for(
    data: Path, trained_on: Callable[..., RunDir]
) -> None:
    predictor = loaded(trained_on(experiment_with(FeatureConfig())))
    videos, _ = predictable(data)
    answers = predictor.predict(videos)
    videos[1].tracking_path.write_bytes(b"PAR1 cut short")
    assert next(answers).video_id == videos[0].video_id
    with pytest.raises(DataError, match=str(videos[1].tracking_path)):
        next(answers)


def test_videos_without_tracking_are_named_and_a_folder_of_them_refused(data: Path) -> None:
    videos = read_videos(data)
    videos[0].tracking_path.unlink()
    found, missing = predictable(data)
    assert [video.video_id for video in found] == [video.video_id for video in videos[1:]]
    assert [each.video.video_id for each in missing] == [videos[0].video_id]
    shutil.rmtree(data / "train_tracking")
    with pytest.raises(DataError, match="none of the 3 videos"):
        predictable(data)


def test_a_folder_that_is_no_data_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.csv"):
        predictable(tmp_path)


def test_a_video_without_a_scale_is_named_where_centimetres_are_needed(
    data: Path, trained_on: Callable[..., RunDir]
) -> None:
    predictor = loaded(trained_on(experiment_with(GAPS)))
    rows = list(csv.DictReader((data / "train.csv").open()))
    with (data / "train.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(row | {"pix_per_cm_approx": ""} for row in rows)
    with pytest.raises(DataError, match=rows[0]["video_id"]):
        next(predictor.predict(predictable(data)[0]))


@pytest.mark.parametrize(
    "state",
    [
        {"kind": "pairs"},
        {},
        {"kind": "behaviour", "slots": ["nose"]},
        {"kind": "behaviour", "slots": ["nose"], "features": {"config": {"inputs": ["smell"]}}},
    ],
)
def test_a_task_state_that_cannot_be_used_is_told_in_one_line(
    save_run: SaveRun, state: dict[str, object]
) -> None:
    run = save_run(experiment_with(FeatureConfig()), SPEC, state)
    with pytest.raises(CheckpointError) as caught:
        loaded(run)
    assert "\n" not in str(caught.value)
    assert str(run.checkpoints) in str(caught.value)


def test_evaluation_counts_what_was_predicted_against_the_labels(
    synthetic: Path, trained_on: Callable[..., RunDir]
) -> None:
    predictor = loaded(trained_on(experiment_with(MOTION)))
    evaluation = predictor.evaluate(synthetic, PredictionOptions())
    videos = read_videos(synthetic)
    assert evaluation.confusions.videos == tuple(video.video_id for video in videos)
    assert evaluation.examples == evaluation.confusions.counts.sum() == 3 * 900
    for prediction, counts in zip(
        predictor.predict(videos), evaluation.confusions.counts, strict=True
    ):
        np.testing.assert_array_equal(
            counts.sum(axis=0), np.bincount(prediction.classes, minlength=4)
        )
    assert evaluation.metrics["support/social"] > 0
    diagonal = np.trace(evaluation.confusions.counts.sum(axis=0))
    assert evaluation.metrics["accuracy"] == pytest.approx(diagonal / 2700)
    assert 0 < evaluation.metrics["ap/social"] <= 1


def test_a_folder_without_labels_cannot_be_evaluated_on(
    data: Path, trained_on: Callable[..., RunDir]
) -> None:
    predictor = loaded(trained_on(experiment_with(FeatureConfig())))
    shutil.rmtree(data / "train_annotation")
    with pytest.raises(DataError, match="no annotation file"):
        predictor.evaluate(data, PredictionOptions())


def test_real_pose_data(real_data: Path, trained_on: Callable[..., RunDir]) -> None:
    root = real_data / "ethome"
    experiment = experiment_with(MOTION, actions={"interact": "social"})
    predictor = loaded(trained_on(experiment, root))
    evaluation = predictor.evaluate(root, PredictionOptions())
    assert evaluation.examples == 35_400
    assert len(evaluation.confusions.videos) == 4
    assert 0.09 < evaluation.metrics["support/social"] / 35_400 < 0.13
    assert evaluation.metrics["support/mating"] == 0
