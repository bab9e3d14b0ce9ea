from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from mabe_tui.plotting.grid import AXIS, Row, beside
from mabe_tui.plotting.skeleton import (
    ArenaView,
    Skeleton,
    arena_view,
    centres,
    follow_view,
    render_skeletons,
)

MARS = ("nose", "ear_left", "ear_right", "neck", "hip_left", "hip_right", "tail_base")
BODY = np.array([[0, 0], [2, -2], [2, 2], [4, 0], [8, -3], [8, 3], [12, 0]], float)
ARENA = ArenaView(0, 0, 100, 100)
SQUARE = Skeleton.of(("a", "b", "c", "d"))


def mice(*places: tuple[float, float]) -> np.ndarray:
    return np.stack([BODY * 2 + place for place in places])


def roles(rows: Sequence[Row]) -> dict[tuple[int, int], int]:
    return {
        (y, x): segment.role
        for y, row in enumerate(rows)
        for segment in row.segments
        for x in range(segment.start, segment.stop)
        if row.text[x] != " "
    }


def test_a_mouse_is_drawn_as_head_and_body() -> None:
    chains = [[MARS[i] for i in chain] for chain in Skeleton.of(MARS).chains]
    assert chains == [
        ["nose", "ear_left", "neck", "hip_left", "tail_base"],
        ["nose", "ear_right", "neck", "hip_right", "tail_base"],
    ]


def test_a_missing_point_is_passed_over_and_not_drawn_to() -> None:
    body = BODY.copy()
    body[3] = np.nan
    path = Skeleton.of(MARS).path(body)
    assert path[:4].tolist() == [[0, 0], [2, -2], [8, -3], [12, 0]]
    assert np.isnan(path[4]).all()


def test_keypoints_of_no_chain_are_dots() -> None:
    skeleton = Skeleton.of(("nose", "spine_1"))
    assert skeleton.chains == ()
    assert skeleton.loose.tolist() == [0, 1]
    rows = render_skeletons(
        np.array([[[0, 0], [9, 9]]], float), skeleton, 4, 2, ArenaView(0, 0, 9, 9)
    )
    assert sum(character != " " for row in rows for character in row.text) == 2


def test_the_nose_is_thick() -> None:
    body, view = mice((10, 20)), ArenaView(0, 0, 50, 40)
    first, last = (Skeleton.of(names) for names in (MARS, MARS[::-1]))
    by_nose, by_tail = (
        [row.text for row in render_skeletons(points, skeleton, 30, 12, view)]
        for points, skeleton in ((body, first), (body[:, ::-1], last))
    )
    assert by_nose == by_tail
    thin = render_skeletons(body, replace(first, nose=None), 30, 12, view)
    dots = [sum(map(_dots, "".join(rows))) for rows in (by_nose, [row.text for row in thin])]
    assert 0 < dots[0] - dots[1] <= 4


def _dots(character: str) -> int:
    return (ord(character) - 0x2800).bit_count() if character > "\u2800" else 0


def test_every_mouse_has_its_own_role_and_label() -> None:
    rows = render_skeletons(
        mice((10, 20), (60, 70)), Skeleton.of(MARS), 60, 20, ARENA, labels=("1", "2")
    )
    assert (len(rows), {len(row.text) for row in rows}) == (20, {60})
    found = roles(rows)
    upper = {role for (y, _), role in found.items() if y < 10}
    lower = {role for (y, _), role in found.items() if y >= 10}
    assert (upper, lower) == ({0}, {1})
    text = "".join(row.text for row in rows)
    assert text.count("1") == text.count("2") == 1


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("size", [(80, 20), (20, 40)])
def test_nothing_is_stretched(size, ascii_only) -> None:
    corners = np.array([[[20, 20], [80, 20], [80, 80], [20, 80]]], float)
    rows = render_skeletons(corners, SQUARE, *size, ARENA, ascii_only=ascii_only)
    places = list(roles(rows))
    height = max(y for y, _ in places) - min(y for y, _ in places)
    width = max(x for _, x in places) - min(x for _, x in places)
    assert abs(width - 2 * height) <= 3  # a character is twice as high as wide


def test_ascii_uses_nothing_else() -> None:
    rows = render_skeletons(
        mice((10, 20)), Skeleton.of(MARS), 40, 12, ARENA, arena=ARENA, ascii_only=True
    )
    text = "".join(row.text for row in rows)
    assert text.isascii()
    assert {character for (y, x), role in roles(rows).items() if role == AXIS
            for character in rows[y].text[x]} == {"."}  # fmt: skip


def test_a_frame_without_mice_is_empty() -> None:
    nothing = np.full((2, 7, 2), np.nan)
    rows = render_skeletons(nothing, Skeleton.of(MARS), 20, 5, follow_view(nothing), labels="12")
    assert not "".join(row.text for row in rows).strip()
    assert np.isnan(centres(nothing)).all()


def test_a_trail_gives_way_to_the_mouse() -> None:
    trail = np.stack([np.linspace((10, 90), (90, 90), 20)], axis=1)
    bare = roles(render_skeletons(mice((10, 20)), Skeleton.of(MARS), 40, 12, ARENA))
    drawn = roles(render_skeletons(mice((10, 20)), Skeleton.of(MARS), 40, 12, ARENA, trail=trail))
    assert drawn.keys() > bare.keys()


def test_centres_leave_missing_points_out() -> None:
    body = np.array([[[0, 0], [np.nan, 4], [2, 6]]])
    assert centres(body).tolist() == [[1, 3]]


def test_the_whole_picture_or_wherever_a_mouse_goes() -> None:
    positions = mice((10, 20))[None]
    assert arena_view(positions, 640, 480) == ArenaView(0, 0, 640, 480)
    seen = arena_view(positions)
    assert (seen.left, seen.top) < tuple(positions.min(axis=(0, 1, 2)))
    assert (seen.right, seen.bottom) > tuple(positions.max(axis=(0, 1, 2)))


def test_a_view_that_follows_does_not_jitter() -> None:
    first = follow_view(mice((10, 20), (60, 70)))
    assert follow_view(mice((11, 20), (60, 69)), first) == first
    assert follow_view(np.full((2, 7, 2), np.nan), first) == first


def test_a_view_that_follows_is_pushed_before_its_scale_changes() -> None:
    first = follow_view(mice((10, 20), (60, 70)), aspect=2)
    pushed = follow_view(mice((10, 40), (60, 90)), first, aspect=2)
    assert (pushed.left, pushed.right) == pytest.approx((first.left, first.right))
    assert pushed.bottom - pushed.top == pytest.approx(first.bottom - first.top)
    assert 0 < pushed.top - first.top < 20
    far = follow_view(mice((10, 20), (90, 190)), first, aspect=2)
    assert far.bottom - far.top > first.bottom - first.top
    near = follow_view(mice((40, 40)), far, aspect=2)
    assert near.bottom - near.top < (far.bottom - far.top) / 2
    assert near.right - near.left == pytest.approx(2 * (near.bottom - near.top))


def test_no_room_is_refused() -> None:
    with pytest.raises(ValueError, match="0 × 5"):
        render_skeletons(mice((0, 0)), Skeleton.of(MARS), 0, 5, ARENA)


def test_pictures_stand_beside_each_other() -> None:
    high = render_skeletons(mice((10, 20)), Skeleton.of(MARS), 10, 4, ARENA)
    low = render_skeletons(mice((10, 20)), Skeleton.of(MARS), 6, 2, ARENA)
    rows = beside(high, low, gap=3)
    assert [row.text[:10] for row in rows] == [row.text for row in high]
    assert [row.text[13:] for row in rows] == [*(row.text for row in low), "", ""]
    for row in rows:
        assert [s.start for s in row.segments] == [0, *(s.stop for s in row.segments[:-1])]
        assert row.segments[-1].stop == len(row.text)
