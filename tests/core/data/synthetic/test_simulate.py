import numpy as np
import pytest

from core.data.synthetic.body import add_noise, keypoints, tracked
from core.data.synthetic.patterns import PATTERNS
from core.data.synthetic.schedule import PlannedBout
from core.data.synthetic.simulate import CHANNELS, Scene, simulate

SCENE = Scene(width=7.0, height=5.0, mice=2, frames=900, fps=30.0)
X, Y, HEADING = (CHANNELS.index(name) for name in ("x", "y", "heading"))


def act(action, start=300, stop=600, scene=SCENE, seed=0, alone=False):
    bout = PlannedBout(1, 1 if alone else 2, action, start, stop)
    return simulate(scene, [bout], np.random.default_rng(seed))


def distance(poses):
    return np.hypot(*(poses[0, :2] - poses[1, :2]))


def speed(poses, mouse, fps=30.0):
    return np.hypot(*np.diff(poses[mouse, :2], axis=1)) * fps


@pytest.mark.parametrize("fps", [10.0, 24.99, 30.0, 120.0])
def test_movement_is_continuous_whatever_happens(fps):
    actions = list(PATTERNS)
    rng = np.random.default_rng(3)
    scene = Scene(7.0, 5.0, 3, round(120 * fps), fps)
    starts = np.sort(rng.integers(0, scene.frames, 200))
    bouts = [
        PlannedBout(1 + i % 3, 1 + (i + i // 3) % 3, str(rng.choice(actions)), int(s), int(s + fps))
        for i, s in enumerate(starts)
    ]
    poses = simulate(scene, bouts, rng)
    assert poses.shape == (3, len(CHANNELS), scene.frames)
    for mouse in range(3):
        assert speed(poses, mouse, fps).max() < 12.0, "body lengths a second"
    assert np.abs(np.diff(poses[:, HEADING])).max() * fps < 17.0, "radians a second"


def test_mice_stay_in_the_arena():
    poses = act("chase", 0, 900)
    assert poses[:, X].min() > 0.2
    assert poses[:, X].max() < SCENE.width - 0.2
    assert poses[:, Y].min() > 0.2
    assert poses[:, Y].max() < SCENE.height - 0.2


def test_mice_explore():
    scene = Scene(7.0, 5.0, 2, 9000, 30.0)
    poses = simulate(scene, [], np.random.default_rng(1))
    for mouse in range(2):
        assert np.ptp(poses[mouse, X]) > 4.0
        assert np.ptp(poses[mouse, Y]) > 2.5
        moving = speed(poses, mouse)
        assert (moving < 0.3).mean() > 0.1, "they pause"
        assert np.median(moving) > 0.2


@pytest.mark.parametrize(
    "action", ["sniff", "sniffgenital", "sniffface", "mount", "attack", "follow"]
)
def test_partners_are_together_when_the_bout_begins_and_stay_so(action):
    for seed in range(4):
        apart = distance(act(action, seed=seed))
        assert np.median(apart[300:600]) < 1.2
        assert np.quantile(apart[330:600], 0.9) < 2.0


def test_the_nose_is_where_it_sniffs():
    poses = act("sniffgenital")
    points = keypoints(poses, ("nose", "tail_base"), np.array([1.0, 1.0]), (0, 0), 1.0, 30.0)
    to_rear = np.hypot(*(points[:, 0, 0] - points[:, 1, 1]).T)
    to_nose = np.hypot(*(points[:, 0, 0] - points[:, 1, 0]).T)
    assert np.median(to_rear[330:600]) < 0.3
    assert np.median(to_nose[330:600]) > 2 * np.median(to_rear[330:600])


def test_a_mounting_mouse_is_aligned_and_on_top():
    poses = act("mount")
    turned = np.cos(poses[0, HEADING] - poses[1, HEADING])[360:600]
    assert np.median(turned) > 0.9
    assert np.median(distance(poses)[360:600]) < 0.5


def test_a_chase_is_faster_than_a_walk_and_both_run():
    poses = act("chase")
    for mouse in range(2):
        chased = np.median(speed(poses, mouse)[330:600])
        assert chased > 2 * np.median(speed(poses, mouse)[:250])


def test_a_fight_spins():
    poses = act("attack")
    spin = np.abs(np.diff(poses[0, HEADING])) * 30
    assert np.median(spin[330:600]) > 2 * np.median(spin[:250])


def test_an_approach_closes_in():
    closer = [distance(act("approach", 300, 345, seed=seed))[[300, 344]] for seed in range(6)]
    assert np.mean([before - after for before, after in closer]) > 0.5


def test_leaving_makes_room():
    scene = Scene(12.0, 12.0, 2, 900, 30.0)
    bouts = [PlannedBout(1, 2, "sniff", 200, 300), PlannedBout(1, 2, "escape", 300, 360)]
    apart = distance(simulate(scene, bouts, np.random.default_rng(0)))
    assert apart[359] > apart[299] + 1.5


def test_a_rearing_mouse_looks_short_and_stands():
    poses = act("rear", alone=True)
    assert np.median(poses[0, CHANNELS.index("stretch"), 330:590]) < 0.65
    assert np.median(speed(poses, 0)[330:590]) < 0.1


def test_a_mouse_has_the_shape_of_one():
    poses = np.zeros((1, len(CHANNELS), 50), np.float32)
    poses[0, CHANNELS.index("stretch")] = 1.0
    parts = ("nose", "tail_base", "ear_left", "ear_right", "body_center", "tail_tip")
    nose, rump, left, right, centre, tail = keypoints(
        poses, parts, np.array([100.0]), (200, 300), 100.0, 30.0
    )[25, 0]
    assert centre.tolist() == [200, 300]
    assert nose[0] > centre[0] > rump[0] > tail[0], "it looks to the right"
    assert 90 < nose[0] - rump[0] < 110, "a body length is nose to tail base"
    assert left[1] < right[1], "its left is up in a picture whose y points down"


def test_noise_has_the_given_size():
    positions = np.zeros((2000, 2, 7, 2), np.float32)
    add_noise(positions, 1.5, np.random.default_rng(0))
    assert positions.std() == pytest.approx(1.5, rel=0.02)


def test_dropouts_are_runs_of_the_given_share_and_spare_the_last_frame():
    found = tracked((20_000, 2, 7), (0.1, 6.0), (0.0, 1.0), np.random.default_rng(0))
    assert 1 - found.mean() == pytest.approx(0.1, rel=0.1)
    gone = ~found.reshape(len(found), -1)
    runs = (gone[1:] & ~gone[:-1]).sum() + gone[0].sum()
    assert gone.sum() / runs == pytest.approx(6.3, rel=0.15), "runs may touch"
    assert found[-1].all()


def test_a_lost_mouse_is_lost_as_a_whole():
    found = tracked((20_000, 2, 7), (0.0, 1.0), (0.05, 20.0), np.random.default_rng(0))
    seen = found.sum(axis=2)
    assert set(np.unique(seen)) == {0, 7}
    assert (seen == 0).mean() == pytest.approx(0.05, rel=0.25)


def test_nothing_is_missing_when_nothing_should_be():
    assert tracked((100, 2, 7), (0.0, 1.0), (0.0, 1.0), np.random.default_rng(0)).all()
