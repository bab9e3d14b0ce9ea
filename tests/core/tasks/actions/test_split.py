from typing import Any

import pytest

from core.data.competition import LabeledBehavior
from core.errors import DataError
from core.tasks.actions.chosen import ChosenVideos
from core.tasks.actions.settings import ActionsDataConfig
from core.tasks.actions.splitting import SplitCandidate, split
from tests.core.tasks.actions.walking_mice import MadeVideo, experiment, made


def video(number: int, lab: str = "lab", tracking: str = "", **seconds: float) -> SplitCandidate:
    name = f"{lab}{number}"
    return SplitCandidate(name, lab, tracking or name, seconds)


def sides(candidates: list[SplitCandidate], **settings: Any) -> list[set[str]]:
    found = split(ActionsDataConfig(**settings), candidates)
    return [set(found.training), set(found.validation), set(found.neither)]


def test_each_video_is_validated_on_once_and_copies_stay_together() -> None:
    videos = [video(n, tracking=f"t{n // 2}", sniff=10) for n in range(12)]
    held_out = [sides(videos, folds=3, fold=fold)[1] for fold in range(3)]
    assert sorted(name for names in held_out for name in names) == sorted(
        v.video_id for v in videos
    )
    for names in held_out:
        assert len(names) == 4
        assert {f"lab{n}" for n in range(12) if f"lab{n - n % 2}" in names} == names


def test_folds_have_equal_shares_of_rare_actions() -> None:
    videos = [
        video(n, "a", sniff=100, **({"attack": 5.0} if n % 4 == 0 else {})) for n in range(16)
    ]
    videos += [video(n, "b", rear=1 + n) for n in range(8)]
    for fold in range(4):
        names = sides(videos, folds=4, fold=fold)[1]
        assert sum(f"a{n}" in names for n in (0, 4, 8, 12)) == 1
        assert sum(name.startswith("b") for name in names) in (1, 2, 3)
        assert 6 <= sum(1 + n for n in range(8) if f"b{n}" in names) <= 12


def test_labs_for_training_only_are_never_validated_on() -> None:
    videos = [video(n, "CRIM13", sniff=1000) for n in range(5)] + [
        video(n, sniff=1) for n in range(10)
    ]
    training, validation, neither = sides(videos, validation_fraction=0.2)
    assert {f"CRIM13{n}" for n in range(5)} <= training
    assert len(validation) == 2
    assert not neither


def test_a_copy_of_a_validation_video_is_not_trained_on() -> None:
    videos = [video(n, tracking=f"t{n // 2}") for n in range(4)]
    assert sides(videos, validation_videos=("lab0",)) == [{"lab2", "lab3"}, {"lab0"}, {"lab1"}]


def test_nothing_is_held_out_where_none_is_asked_for() -> None:
    videos = [video(n) for n in range(3)]
    for settings in ({"validation_fraction": 0.0}, {"validation_videos": ()}):
        assert sides(videos, **settings) == [{"lab0", "lab1", "lab2"}, set(), set()]


def test_too_few_videos_are_refused() -> None:
    one = [video(0, tracking="t"), video(1, tracking="t")]
    with pytest.raises(DataError, match="at least two videos are needed"):
        sides(one)
    with pytest.raises(DataError, match=r"data\.folds: 3 folds need as many videos"):
        sides([video(0), video(1)], folds=3)
    with pytest.raises(DataError, match="no labelled video lab7"):
        sides([video(0), video(1)], validation_videos=("lab7",))


def test_what_is_left_out_and_what_is_not_tracked_is_said() -> None:
    bouts = ((1, 2, "sniff", 3, 30), (1, 2, "sniff", 20, 300), (3, 1, "sniff", 5, 9))
    behaviors = (*MadeVideo(1).behaviors, LabeledBehavior(3, 1, "sniff"))
    videos = [
        MadeVideo(80, bouts, behaviors=behaviors, tracking=7),
        MadeVideo(60, bouts),
        MadeVideo(60, bouts, lab="MABe22_movies"),
        MadeVideo(60, bouts, scale=None),
        MadeVideo(90, ((1, 2, "mount", 3, 30), (1, 1, "rear", 5, 10)), tracking=7),
    ]
    chosen = ChosenVideos.of(experiment(data={"validation_videos": ["v4"]}), made(videos))
    assert chosen.units(chosen.train) == ("lab/v1",)
    said = {remark.code: remark.message for remark in chosen.remarks}
    assert said["tracking_shared"].startswith("1 video (v0) not trained on")
    assert (
        "1 pairs in 1 video (v0) are annotated (1 bouts) but not tracked"
        in said["mice_not_tracked"]
    )
    assert "mount (1)" in said["bouts_ignored"]
    left_out = [remark.message for remark in chosen.remarks if remark.code == "videos_left_out"]
    assert [("MABe22_movies" in text, "pix_per_cm_approx" in text) for text in left_out] == [
        (True, False),
        (False, True),
    ]
    assert chosen.label_frames(chosen.train_rows) == {"lab/rear": 0, "lab/sniff": 57}
