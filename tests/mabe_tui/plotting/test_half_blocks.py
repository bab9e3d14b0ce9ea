import numpy as np

from mabe_tui.plotting.half_blocks import GAP, render_images, shades_of

IMAGE = np.array([[0, 1], [1, 1], [0, 0]], np.float32)


def test_characters_tell_bright_from_dark() -> None:
    rows = render_images([IMAGE], 2, 2, grey=False)
    assert [row.text for row in rows] == ["▄█", "  "]


def test_roles_are_the_shades_of_two_pixels() -> None:
    (first, _) = render_images([IMAGE], 2, 2)
    assert [shades_of(part.role) for part in first.segments] == [(0, 15), (15, 15)]
    assert render_images([np.full((2, 2), np.nan, np.float32)], 2, 2)[0].segments[0].role == 0


def test_images_are_enlarged_by_whole_numbers_as_far_as_they_fit() -> None:
    square = np.ones((8, 8), np.float32)
    for width, height, scale in ((20, 30, 1), (36, 8, 2), (200, 4, 1), (5, 1, 1), (200, 100, 12)):
        rows = render_images([square, square], width, height, ascii_only=True)
        assert (len(rows), len(rows[0].text)) == (4 * scale, 16 * scale + GAP)
        assert rows[0].text == "@" * 8 * scale + " " * GAP + "@" * 8 * scale


def test_nothing_is_drawn_of_no_image() -> None:
    assert render_images([], 10, 10) == ()
