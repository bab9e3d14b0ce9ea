import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.data.competition import Bouts
from core.data.labels import ActionMap, frame_classes
from core.data.synthetic import REAL_SHARES, ClassShares, SyntheticSettings
from core.data.synthetic.patterns import CLASS_OF, CLASSES
from core.data.synthetic.schedule import PlannedBout, class_frames, random_schedule


def schedules(wanted):
    for video in range(wanted.videos):
        yield random_schedule(wanted, video, np.random.default_rng([wanted.seed, video]))


def realised(wanted):
    counts = sum(class_frames(bouts, wanted.frames) for bouts in schedules(wanted))
    return counts / (wanted.videos * wanted.frames)


@pytest.mark.parametrize(
    "shares", [ClassShares(), ClassShares(social=0.5, mating=0, aggressive=0.2)]
)
def test_shares_come_out_as_asked(shares):
    found = realised(SyntheticSettings(videos=10, shares=shares))
    wanted = (shares.other, shares.social, shares.mating, shares.aggressive)
    np.testing.assert_allclose(found, wanted, atol=0.015)


def test_shares_as_rare_as_the_real_ones_come_as_whole_bouts():
    wanted = SyntheticSettings(videos=30, frames=3000, shares=REAL_SHARES)
    np.testing.assert_allclose(realised(wanted)[1:], (0.012, 0.005, 0.004), rtol=0.15)
    labelled = [
        b for bouts in schedules(wanted) for b in bouts if b.action in CLASS_OF and b.labelled
    ]
    assert np.median([bout.stop - bout.start for bout in labelled]) >= 10


@settings(max_examples=40, deadline=None)
@given(
    frames=st.integers(2, 2000),
    mice=st.integers(2, 4),
    fps=st.sampled_from([1.0, 10.0, 33.3, 120.0]),
    social=st.floats(0, 0.4),
    mating=st.floats(0, 0.25),
    aggressive=st.floats(0, 0.24),
    seed=st.integers(0, 100),
)
@example(frames=1136, mice=4, fps=10.0, social=0.3125, mating=0.0, aggressive=0.0, seed=80)
def test_bouts_lie_in_the_video_and_those_of_a_pair_never_overlap(
    frames, mice, fps, social, mating, aggressive, seed
):
    shares = ClassShares(social=social, mating=mating, aggressive=aggressive)
    wanted = SyntheticSettings(frames=frames, mice=mice, fps=fps, shares=shares)
    taken = np.zeros((mice + 1, mice + 1, frames), bool)
    for bout in random_schedule(wanted, 0, np.random.default_rng(seed)):
        assert 0 <= bout.start < bout.stop <= frames
        assert {bout.agent, bout.target} <= set(range(1, mice + 1))
        span = taken[bout.agent, bout.target, bout.start : bout.stop]
        assert not span.any()
        span[:] = True


def test_every_class_and_action_of_the_schedule_turns_up():
    bouts = [bout for each in schedules(SyntheticSettings(videos=10)) for bout in each]
    found = {bout.action for bout in bouts if bout.labelled}
    assert found >= {
        "approach",
        "follow",
        "sniff",
        "sniffface",
        "sniffgenital",
        "mount",
        "intromit",
    }
    assert found >= {"chase", "attack", "rear", "selfgroom"}
    assert any(not bout.labelled for bout in bouts), "there must be visits that nobody labelled"


def test_class_frames_are_those_the_reader_gives():
    bouts = [
        PlannedBout(1, 2, "sniff", 0, 10),
        PlannedBout(2, 1, "attack", 5, 8),
        PlannedBout(1, 1, "rear", 8, 30),
        PlannedBout(1, 2, "mount", 90, 120),
        PlannedBout(1, 2, "sniff", 40, 40),
        PlannedBout(1, 2, "attack", 50, 60, labelled=False),
    ]
    labelled = [bout for bout in bouts if bout.labelled]
    columns = Bouts(
        *(np.array([getattr(bout, name) for bout in labelled]) for name in ("agent", "target")),
        np.array([bout.action for bout in labelled], object),
        *(np.array([getattr(bout, name) for bout in labelled]) for name in ("start", "stop")),
    )
    expected = np.bincount(frame_classes(columns, 100, ActionMap(CLASS_OF, CLASSES)), minlength=4)
    assert class_frames(bouts, 100).tolist() == expected.tolist() == [80, 7, 10, 3]
