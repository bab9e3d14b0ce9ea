"""The compiled pass agrees with torch, its reference."""

import os
import subprocess
import sys

import msgspec
import numpy as np
import pytest
import torch

from core.features import compiled
from core.features.pipeline import FeaturePipeline
from core.features.settings import FeatureConfig
from core.frames.reader import ComputedFeatures
from core.frames.sampling import POOL_ROWS, NoisePool
from core.frames.store import PART_FRAMES, FrameStore
from core.frames.windows import training_windows

V6 = FeatureConfig(inputs=("coordinates", "speed", "acceleration"))
CONFIGS = {
    "v5": FeatureConfig(inputs=("coordinates",)),
    "v6": V6,
    "other order": FeatureConfig(inputs=("acceleration", "coordinates", "speed")),
    "clipped, masks": FeatureConfig(inputs=V6.inputs, clip=1.5, mask_channels=True),
    "frame gap": FeatureConfig(inputs=("speed", "acceleration"), frame_gap=3),
    "cm": FeatureConfig(inputs=V6.inputs, units="cm"),
}
LENGTHS = (90, 1, 2, 7, PART_FRAMES + 40, POOL_ROWS)


def made_up(mice: int = 2, keypoints: int = 7) -> FrameStore:
    """Return walks of several lengths, rates and scales, with short and long gaps and a far point."""
    rng = np.random.default_rng(0)
    total = sum(LENGTHS)
    positions = 300 + rng.normal(0, 3, (total, mice, keypoints, 2)).cumsum(axis=0)
    positions[rng.random((total, mice, keypoints)) < 0.05] = np.nan
    positions[rng.random((total, mice, keypoints, 2)) < 0.01] = np.nan
    positions[150:200, 1] = np.nan
    positions[60, 0, 0] = 3e38, -3e38
    return FrameStore(
        positions=torch.from_numpy(positions.astype(np.float32)),
        offsets=np.cumsum(LENGTHS) - LENGTHS,
        frames=np.array(LENGTHS),
        frames_per_second=np.linspace(25, 60, len(LENGTHS), dtype=np.float32),
        pixels_per_cm=np.linspace(8, 16, len(LENGTHS), dtype=np.float32),
        names=tuple(f"v{video}" for video in range(len(LENGTHS))),
    )


STORE = made_up()


def fitted(config: FeatureConfig) -> FeaturePipeline:
    return FeaturePipeline.fit(config, STORE, [3, 4, 5])


def some_windows(time: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows that begin with their video, end with it, end after it, or lie in the middle."""
    places = [
        (video, start)
        for video, frames in enumerate(LENGTHS)
        for start in (0, 1, 2, 5, frames // 2, frames - time, frames - 3)
        if 0 <= start < frames
    ]
    videos, starts = np.array(places).T
    return videos, starts


@pytest.mark.parametrize("noisy", [True, False], ids=["noise", "no noise"])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
@pytest.mark.parametrize("time", [50, 16, 5])
def test_it_gives_what_torch_gives(config: FeatureConfig, noisy: bool, time: int) -> None:
    pipeline = fitted(config)
    noise = NoisePool(1, 2, pipeline.fitted.positions.std * 0.05) if noisy else None
    videos, starts = some_windows(time)
    out = torch.full((len(videos), time, pipeline.features), torch.nan)

    assert pipeline.compiled
    pipeline.compute(STORE, videos, starts, out, noise)

    reference = pipeline.transform(pipeline.read(STORE, videos, starts, time), noise)
    torch.testing.assert_close(out, reference, rtol=1e-5, atol=1e-5)
    assert (out != 0).float().mean() > 0.3


def test_a_frame_is_the_same_to_the_last_digit_in_any_window_and_thread() -> None:
    pipeline = fitted(V6)
    noise = NoisePool(1, 2, pipeline.fitted.positions.std * 0.05)
    whole = torch.empty(LENGTHS[4], pipeline.features)
    pipeline.write(STORE, [(4, part, whole[part]) for part in STORE.parts(4)], noise)
    index = training_windows([4], STORE.frames, 50, 7)
    reader = ComputedFeatures(STORE, pipeline)
    reader.begin(noise)

    for threads in (1, 3):
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        out = torch.empty(len(index), 50, pipeline.features)
        reader.read(index, out)
        torch.set_num_threads(before)
        for window, start in zip(out, index.start.tolist(), strict=True):
            assert torch.equal(window, whole[start : start + 50])


@pytest.mark.parametrize(
    "changes",
    [
        {"interpolate_gap": 2},
        {"inputs": ("coordinates", "engineered")},
        {"inputs": ("contact", "speed")},
        {"inputs": ("egocentric",)},
    ],
)
def test_other_features_are_left_to_torch(changes: dict[str, object]) -> None:
    pipeline = fitted(msgspec.structs.replace(V6, **changes))
    out = torch.empty(2, 20, pipeline.features)
    videos, starts = np.array([4, 0]), np.array([11, 0])

    pipeline.compute(STORE, videos, starts, out)

    assert pipeline.computed_by == "torch"
    assert torch.equal(out, pipeline.transform(pipeline.read(STORE, videos, starts, 20)))


def test_without_numba_torch_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    videos, starts = some_windows(20)
    by_numba = fitted(V6)
    assert by_numba.computed_by.startswith("numba ")
    monkeypatch.setattr(compiled, "_kernel", lambda: None)
    by_torch = fitted(V6)
    outs = [torch.empty(len(videos), 20, by_torch.features) for _ in range(2)]

    for pipeline, out in zip((by_numba, by_torch), outs, strict=True):
        pipeline.compute(STORE, videos, starts, out)

    assert by_torch.computed_by == "torch"
    torch.testing.assert_close(*outs, rtol=1e-5, atol=1e-5)


def test_where_the_compiled_form_cannot_be_kept_it_is_made_anew() -> None:
    """As in a read-only install with no home: numba may look in zip files only, and finds no folder."""
    nowhere = {**os.environ, "NUMBA_CACHE_LOCATOR_CLASSES": "ZipCacheLocator"}
    code = "from core.features.kernel import windows; print(len(windows.signatures))"

    done = subprocess.run(
        [sys.executable, "-c", code], env=nowhere, capture_output=True, text=True, check=True
    )

    assert done.stdout == "1\n"


def test_only_computing_loads_numba() -> None:
    code = "import sys, core.tasks.behaviour.inference.predictor; print('numba' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
