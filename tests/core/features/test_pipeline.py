import numpy as np
import numpy.typing as npt
import pytest
import torch

from core.errors import DataError
from core.features.pipeline import FeaturePipeline
from core.features.settings import FeatureConfig
from core.frames.sampling import NoisePool
from core.frames.store import PART_FRAMES, FrameStore
from tests.core.features.whole_videos import features_of, speed_and_acceleration

V6 = FeatureConfig(inputs=("coordinates", "speed", "acceleration"))
CONFIGS = {
    "v6": V6,
    "frame gap": FeatureConfig(inputs=("speed", "coordinates", "acceleration"), frame_gap=3),
    "interpolated": FeatureConfig(inputs=V6.inputs, interpolate_gap=4, mask_channels=True),
    "engineered": FeatureConfig(inputs=("engineered",)),
    "everything": FeatureConfig(
        inputs=("engineered", "speed", "coordinates"), interpolate_gap=2, frame_gap=2
    ),
    "cm": FeatureConfig(inputs=("acceleration",), units="cm"),
    "contact": FeatureConfig(inputs=("speed", "contact"), interpolate_gap=2, clip=2.0),
    "egocentric": FeatureConfig(inputs=("egocentric", "speed"), interpolate_gap=2),
}

Positions = npt.NDArray[np.float32]


def walk(frames: int, mice: int = 2, keypoints: int = 7, seed: int = 0) -> Positions:
    rng = np.random.default_rng(seed)
    positions = 300 + rng.normal(0, 3, (frames, mice, keypoints, 2)).cumsum(axis=0)
    positions[rng.random((frames, mice, keypoints)) < 0.05] = np.nan
    return positions.astype(np.float32)


def store_of(*videos: Positions, scale: float = 12.0) -> FrameStore:
    lengths = np.array([len(video) for video in videos])
    return FrameStore(
        positions=torch.from_numpy(np.concatenate(videos)),
        offsets=np.cumsum(lengths) - lengths,
        frames=lengths,
        frames_per_second=np.array([25 + 5 * index for index in range(len(videos))], np.float32),
        pixels_per_cm=np.full(len(videos), scale, np.float32),
        names=tuple(f"v{index}" for index in range(len(videos))),
    )


def fitted(config: FeatureConfig, store: FrameStore) -> FeaturePipeline:
    return FeaturePipeline.fit(config, store, range(len(store.frames)))


def windows(
    pipeline: FeaturePipeline, store: FrameStore, video: int, starts: list[int], time: int
) -> torch.Tensor:
    videos = np.full(len(starts), video)
    return pipeline.transform(pipeline.read(store, videos, np.array(starts), time))


def test_v6_has_288_features_in_three_blocks() -> None:
    pipeline = FeaturePipeline(V6, mice=4, keypoints=18)

    assert pipeline.features == 288
    assert pipeline.blocks == {
        "coordinates": slice(0, 144),
        "speed": slice(144, 216),
        "acceleration": slice(216, 288),
    }


def test_unstandardised_features_are_coordinates_speed_and_acceleration() -> None:
    positions = walk(60, keypoints=3)
    features = features_of(FeaturePipeline(V6, 2, 3), positions, frames_per_second=25)

    points = torch.from_numpy(positions)
    speed, acceleration = speed_and_acceleration(points, 25)
    expected = torch.cat((points.flatten(1), speed.flatten(1), acceleration.flatten(1)), dim=-1)
    torch.testing.assert_close(features, expected.nan_to_num(0.0))


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_windows_and_whole_videos_agree(config: FeatureConfig) -> None:
    store = store_of(walk(90), walk(130, seed=1), walk(70, seed=2))
    pipeline = fitted(config, store)
    whole = features_of(pipeline, walk(130, seed=1), 30, 12.0)
    starts = [0, 1, 2, 5, 60, 98, 100]

    cut = windows(pipeline, store, 1, starts, time=30)

    for start, window in zip(starts, cut, strict=True):
        torch.testing.assert_close(window, whole[start : start + 30], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_chunks_of_a_long_video_leave_no_seam(config: FeatureConfig) -> None:
    positions = walk(PART_FRAMES + 50)
    store = store_of(positions)
    pipeline = fitted(config, store)

    whole = features_of(pipeline, positions, 25, 12.0)

    around = windows(pipeline, store, 0, [PART_FRAMES - 20], time=40)[0]
    assert whole.shape == (len(positions), pipeline.features)
    torch.testing.assert_close(whole[PART_FRAMES - 20 : PART_FRAMES + 20], around)


def test_features_of_the_training_split_are_standardised_and_gaps_are_the_mean() -> None:
    positions = walk(500, keypoints=3)
    pipeline = fitted(V6, store_of(positions))

    features = features_of(pipeline, positions, 25)

    missing = torch.from_numpy(np.isnan(positions).reshape(500, -1))
    coordinates = features[:, :12]
    assert (coordinates[missing] == 0).all()
    seen = coordinates.where(~missing, torch.nan)
    torch.testing.assert_close(seen.nanmean(dim=0), torch.zeros(12), rtol=0, atol=1e-4)
    assert features.isfinite().all()
    spread = features.std(dim=0)
    assert ((spread > 0.8) & (spread < 1.05)).all()


def test_missing_points_leave_no_false_speed() -> None:
    """Zeros in place of missing points once made a mean false speed of 14,970 px/s."""
    positions = walk(500, keypoints=3)
    statistics = fitted(V6, store_of(positions)).fitted.statistics

    assert statistics.mean[12:18].max() < 25 * 3 * 2


def test_never_tracked_mouse_is_zero_throughout() -> None:
    positions = walk(100, keypoints=3)
    positions[:, 1] = np.nan
    pipeline = fitted(V6, store_of(positions))

    features = features_of(pipeline, positions, 25)

    assert (features[:, 6:12] == 0).all()
    assert (features[:, 15:18] == 0).all()
    assert features[:, :6].abs().sum() > 0


def test_mask_says_what_was_tracked_even_where_it_was_filled() -> None:
    config = FeatureConfig(inputs=("coordinates",), mask_channels=True, interpolate_gap=3)
    positions = walk(80)
    pipeline = fitted(config, store_of(positions))

    features = features_of(pipeline, positions, 25)

    tracked = ~np.isnan(positions).any(axis=-1).reshape(80, -1)
    np.testing.assert_array_equal(features[:, pipeline.blocks["mask"]], tracked.astype(np.float32))


def test_cm_makes_scale_irrelevant() -> None:
    config = FeatureConfig(inputs=V6.inputs, units="cm")
    near, far = walk(100, keypoints=3), walk(100, keypoints=3) / 2
    pipeline = FeaturePipeline(config, 2, 3)

    torch.testing.assert_close(
        features_of(pipeline, near, 25, 12.0),
        features_of(pipeline, far, 25, 6.0),
        rtol=1e-4,
        atol=0.05,
    )


def test_cm_without_a_scale_is_an_error() -> None:
    pipeline = FeaturePipeline(CONFIGS["cm"], 2, 3)

    with pytest.raises(DataError, match="video 17: has no pix_per_cm_approx"):
        features_of(pipeline, walk(20, keypoints=3), 25, name="17")
    with pytest.raises(DataError, match="video v0: has no pix_per_cm_approx"):
        fitted(CONFIGS["cm"], store_of(walk(20, keypoints=3), scale=np.nan))


class OneKick(NoisePool):
    """Moves row 6 of the data by 2 along x, and nothing else."""

    def __init__(self) -> None:
        super().__init__(0, 0, torch.ones(2))
        self._rows.zero_()[6, 0] = 2.0


def test_noise_moves_the_positions_before_they_are_differenced() -> None:
    positions = np.zeros((12, 1, 1, 2), np.float32)
    store = FrameStore.of_video(positions, 10)
    features = torch.empty(12, 4)

    FeaturePipeline(V6, 1, 1).write(store, [(0, slice(0, 12), features)], OneKick())

    assert features[4:11, 0].tolist() == [0, 0, 2, 0, 0, 0, 0]
    assert features[4:11, 2].tolist() == [0, 0, 20, 20, 0, 0, 0]
    assert features[4:11, 3].tolist() == [0, 0, 200, 400, 200, 0, 0]


def test_a_frame_has_the_same_noise_in_every_window() -> None:
    positions = walk(200)
    store = store_of(walk(30, seed=3), positions)
    pipeline = fitted(V6, store)
    noise = NoisePool(1, 2, pipeline.fitted.positions.std * 0.1)
    whole = torch.empty(200, pipeline.features)

    pipeline.write(store, [(1, slice(0, 200), whole)], noise)
    windows = pipeline.transform(
        pipeline.read(store, np.array([1, 1, 1]), np.array([0, 31, 160]), 40), noise
    )

    for start, window in zip((0, 31, 160), windows, strict=True):
        torch.testing.assert_close(window, whole[start : start + 40], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_state_survives_a_safe_round_trip(config: FeatureConfig, tmp_path: object) -> None:
    positions = walk(100)
    pipeline = fitted(config, store_of(positions))
    path = f"{tmp_path}/state.pt"
    torch.save(pipeline.state_dict(), path)

    again = FeaturePipeline.from_state(torch.load(path, weights_only=True))

    assert again.config == config
    assert torch.equal(
        features_of(again, positions, 25, 12.0), features_of(pipeline, positions, 25, 12.0)
    )
    assert torch.equal(again.fitted.positions.std, pipeline.fitted.positions.std)
