import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.split import split_videos
from core.errors import DataError

IDS = [f"v{number}" for number in range(100)]


def test_a_fifth_for_validation() -> None:
    training, validation = split_videos(IDS, 0.2, seed=42)
    assert (len(training), len(validation)) == (80, 20)
    assert sorted(training + validation) == sorted(IDS)


def test_order_does_not_matter_and_the_seed_does() -> None:
    shuffled = random.Random(1).sample(IDS, len(IDS))
    assert split_videos(shuffled, 0.2, 42) == split_videos(IDS, 0.2, 42)
    assert split_videos(IDS, 0.2, 43) != split_videos(IDS, 0.2, 42)


def test_the_split_is_the_same_for_ever() -> None:
    # a run's validation videos must not change under it with a new Python or numpy
    assert split_videos(["a", "b", "c", "d", "e"], 0.4, 42) == (("a", "b", "c"), ("d", "e"))


def test_a_new_video_moves_few_others() -> None:
    before = set(split_videos(IDS, 0.2, 42)[1])
    after = set(split_videos([*IDS, "new"], 0.2, 42)[1])
    assert len(before ^ after) <= 2


@given(st.sets(st.text(min_size=1, max_size=4), min_size=2, max_size=30), st.floats(0.01, 0.99))
def test_no_side_is_ever_empty(ids: set[str], fraction: float) -> None:
    training, validation = split_videos(ids, fraction, 0)
    assert training
    assert validation
    assert set(training) | set(validation) == ids
    assert not set(training) & set(validation)


def test_a_single_video_is_trained_on() -> None:
    assert split_videos(["only"], 0.5, 42) == (("only",), ())


def test_exactly_the_named_videos() -> None:
    training, validation = split_videos(IDS[:4], 0.5, 42, ["v3", "v1"])
    assert (training, validation) == (("v0", "v2"), ("v1", "v3"))


def test_unknown_names_are_errors_with_the_nearest() -> None:
    with pytest.raises(DataError, match=r"no labelled video w7, x1.*nearest to w7 is v7"):
        split_videos(IDS, 0.2, 42, ["v1", "w7", "x1"])


def test_naming_all_leaves_nothing_to_train_on() -> None:
    with pytest.raises(DataError, match="names all 3 videos"):
        split_videos(IDS[:3], 0.2, 42, IDS[:3])


def test_no_videos() -> None:
    with pytest.raises(DataError, match="no videos to split"):
        split_videos([], 0.2, 42)


def test_an_empty_list_of_validation_videos() -> None:
    assert split_videos(IDS, 0.2, 42, []) == (tuple(sorted(IDS)), ())


@given(st.sets(st.text(min_size=1, max_size=4), min_size=2, max_size=30), st.data())
def test_folds_hold_each_video_once_and_are_balanced(ids: set[str], data: st.DataObject) -> None:
    folds = data.draw(st.integers(2, len(ids)))
    splits = [split_videos(ids, 0.2, 0, folds=folds, fold=fold) for fold in range(folds)]
    assert sorted(video for _, validation in splits for video in validation) == sorted(ids)
    sizes = {len(validation) for _, validation in splits}
    assert max(sizes) - min(sizes) <= 1
    assert all(set(training) | set(validation) == ids for training, validation in splits)


def test_folds_do_not_depend_on_the_order_of_the_videos() -> None:
    shuffled = random.Random(1).sample(IDS, len(IDS))
    for fold in range(3):
        assert split_videos(shuffled, 0.2, 42, folds=3, fold=fold) == split_videos(
            IDS, 0.2, 42, folds=3, fold=fold
        )
    first = [split_videos(IDS, 0.2, seed, folds=3)[1] for seed in (42, 43)]
    assert first[0] != first[1]


def test_two_folds_of_two_videos_swap_them() -> None:
    splits = [split_videos(["a", "b"], 0.2, 42, folds=2, fold=fold) for fold in (0, 1)]
    assert splits[0] == splits[1][::-1]
    assert {video for _, validation in splits for video in validation} == {"a", "b"}


def test_more_folds_than_videos_are_refused() -> None:
    with pytest.raises(DataError, match=r"4 folds of 3 videos.*3 folds at most"):
        split_videos(IDS[:3], 0.2, 42, folds=4)


def test_no_share_for_validation_trains_on_all() -> None:
    assert split_videos(["b", "a"], 0.0, 42) == (("a", "b"), ())
