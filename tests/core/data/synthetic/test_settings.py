import msgspec
import pytest

from core.config.registry import default_path, load
from core.data.keypoints import is_known
from core.data.labels import ACTIONS, SELF_ACTIONS
from core.data.synthetic import REAL_SHARES, ClassShares, SyntheticSettings
from core.data.synthetic.body import ANATOMY
from core.data.synthetic.patterns import CLASS_OF, PATTERNS, Goal
from core.data.synthetic.settings import BODY_PARTS, fingerprint
from core.errors import ConfigError


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("videos", 0, "synthetic videos: 0 is not a whole number from 1"),
        ("mice", 5, "synthetic mice: 5 is not a whole number from 2 to 4"),
        ("mice", "two", "synthetic mice: 'two' is not a whole number"),
        ("keypoints", "mars8", "'mars8' is not one of mars7, mabe18"),
        ("keypoints", ("nose", "wing"), "'wing' is not a body part"),
        ("keypoints", ("nose", "nose"), "named twice"),
        ("keypoints", (), "at least one body part"),
        ("fps", 0.0, "synthetic fps"),
        ("labs", ("../up",), "'../up' is not a folder name"),
        ("labs", (), "synthetic labs"),
        ("shares", ClassShares(social=0.9, mating=0.05), "synthetic shares: the behaviours add up"),
        ("missing_points", 1.0, "synthetic missing_points"),
        ("pixels_per_cm", 100.0, "cm across; mice need 15 cm"),
    ],
)
def test_an_impossible_setting_is_one_line_naming_its_key(key, value, says):
    with pytest.raises(ConfigError) as caught:
        SyntheticSettings(**{key: value})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_body_parts_are_sorted_and_may_be_any_of_the_competition():
    assert SyntheticSettings(keypoints="mars7").body_parts[0] == "ear_left"
    explicit = SyntheticSettings(keypoints=("nose", "headpiece_topbackleft"))
    assert explicit.body_parts == ("headpiece_topbackleft", "nose")


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan"), "much"])
def test_an_impossible_share_is_refused(share):
    with pytest.raises(ConfigError, match=r"synthetic shares\.mating: .* is not a number from 0"):
        ClassShares(mating=share)


def test_shares_leave_the_rest_to_other():
    assert ClassShares().other == pytest.approx(0.70)
    assert REAL_SHARES.other == pytest.approx(0.979)


def test_any_changed_setting_changes_the_fingerprint():
    base = SyntheticSettings()
    changed = msgspec.structs.replace(base, shares=ClassShares(social=0.1))
    assert fingerprint(base) == fingerprint(SyntheticSettings())
    assert fingerprint(base) != fingerprint(changed)


def test_every_body_part_of_the_competition_has_a_place_on_the_body():
    assert len(BODY_PARTS) == 29
    assert set(BODY_PARTS) == set(ANATOMY)
    assert all(is_known(part) for part in BODY_PARTS)


def test_left_and_right_are_mirror_images():
    for part, terms in ANATOMY.items():
        if "left" not in part:
            continue
        mirrored = {
            axis: -value if axis.endswith("_side") or axis == "swing" else value
            for axis, value in ANATOMY[part.replace("left", "right")].items()
        }
        assert mirrored == terms


def test_every_action_has_a_movement_and_self_actions_need_nobody():
    assert set(PATTERNS) == set(ACTIONS)
    needing_nobody = {Goal.ROAM, Goal.STAY, Goal.WALL}
    assert all(PATTERNS[action].goal in needing_nobody for action in SELF_ACTIONS)


def test_classes_are_those_of_the_registry():
    actions = load(default_path()).experiment("v1").actions
    assert {name: of for name, of in actions.items() if of != "other"} == CLASS_OF
