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
    with pytest.raises(DataError, match="names no video"):
        split_videos(IDS, 0.2, 42, [])
