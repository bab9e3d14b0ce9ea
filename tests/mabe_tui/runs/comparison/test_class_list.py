"""Lists of confusions: the most harmful first, whatever their number of frames."""

import numpy as np
import pytest

from mabe_tui.runs.comparison.class_list import MOST_IN_MATRIX, class_list, has_many_classes
from mabe_tui.runs.comparison.confusions import confusions
from mabe_tui.runs.comparison.inspection import SideClasses, classes_of_counts

NAMES = ("other", "sniff", "mount")
COUNTS = np.array([[90_000, 900, 300], [500, 9_500, 0], [40, 0, 60]])
"""Mounts are few: 40 are missed, and 300 frames of other are taken for them."""


def listed(*sides: SideClasses, width: int = 200, **options: object) -> list[str]:
    rows = class_list(sides, width, lines=range(len(sides)), **options)  # type: ignore[arg-type]
    return [row.text.rstrip() for row in rows]


def test_the_most_harmful_confusion_is_first() -> None:
    found = confusions(NAMES, COUNTS)
    pairs = [(one.truth, one.predicted) for one in found]
    assert pairs == [("other", "mount"), ("mount", "other"), ("other", "sniff"), ("sniff", "other")]
    worst = found[0]
    assert worst.frames == 300
    assert worst.of_truth == pytest.approx(300 / 91_200)
    assert worst.of_predicted == worst.harm == pytest.approx(300 / 360)


def test_a_class_that_never_comes_up_harms_nothing() -> None:
    assert confusions(NAMES[:2], np.array([[5, 0], [0, 0]])) == ()


def test_sides_are_held_against_one_another_by_the_worst_of_any() -> None:
    better = COUNTS.copy()
    better[0, 2] = 0
    one, other = (
        classes_of_counts(n, NAMES, c, "frames") for n, c in (("v5", better), ("v6", COUNTS))
    )
    head, columns, first, *_ = listed(one, other)
    assert head.split()[:4] == ["worst", "confusions", "v5", "v6"]
    assert columns.split()[2:9] == ["frames", "of", "true", "of", "pred.", "frames", "of"]
    assert first.split()[:9] == ["other", "→", "mount", "0", "0%", "0%", "300", "<1%", "83%"]


def test_bars_are_beside_the_list_where_there_is_room_worst_first() -> None:
    side = classes_of_counts("v5", NAMES, COUNTS)
    wide, narrow = listed(side), listed(side, width=60)
    assert "mount" in wide[0]
    bars = [line.split()[0] for line in narrow[narrow.index("") + 1 :] if line]
    assert bars == ["mount", "sniff", "other"]


def test_numbers_and_plain_characters_as_asked_for() -> None:
    side = classes_of_counts("v5", NAMES, COUNTS)
    shares, frames = (listed(side, width=60, cells=cells) for cells in ("shares", "frames"))
    assert shares[2].split() == ["other", "→", "mount", "<1%", "83%"]
    assert frames[2].split() == ["other", "→", "mount", "300"]
    assert all(line.isascii() for line in listed(side, ascii_only=True))


def test_a_side_without_a_table_says_why() -> None:
    side = classes_of_counts("v5", NAMES, COUNTS)
    assert listed(side, SideClasses(name="v1", problem="no run here"))[-1] == "v1: no run here"
    assert listed(SideClasses(name="v1", problem="no run here"))[-1] == "v1: no run here"


def test_a_matrix_that_fits_is_left_a_matrix() -> None:
    for size in (MOST_IN_MATRIX, MOST_IN_MATRIX + 1):
        names = tuple(f"action {number}" for number in range(size))
        side = classes_of_counts("v5", names, np.eye(size, dtype=int))
        assert has_many_classes([side]) is (size > MOST_IN_MATRIX)
