"""Grey images as characters: a half block for two pixels, one above the other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mabe_tui.plotting.grid import PLAIN, Grid, Row

SHADES = 16
"""Greys that are told apart."""
UPPER = "▀"
PLAIN_BLOCKS = " ▄▀█"
"""By which of two pixels is bright: neither, the lower, the upper, both."""
RAMP = " .:-=+*#%@"
"""Characters from dark to bright, of as many mean brightnesses, where only ASCII is shown."""
GAP = 4
"""Columns between two images."""
Image = NDArray[np.float32]


def shades_of(role: int) -> tuple[int, int]:
    """Return the shades of the upper and the lower pixel that a role stands for, 0 to 15."""
    return divmod(role, SHADES)


def render_images(
    images: Sequence[Image], width: int, height: int, *, ascii_only: bool = False, grey: bool = True
) -> tuple[Row, ...]:
    """Draw images side by side, enlarged by whole numbers as far as they fit.

    Args:
        images: ``(height, width)`` each, of one size, from 0 (dark) to 1 (bright).
        width: columns there are.
        height: rows there are.
        ascii_only: use plain characters.
        grey: the front end colours each character: with the upper pixel's shade, on the lower one's
            (:func:`shades_of` of its role). Else characters alone tell bright from dark.
    """
    if not images:
        return ()
    tall, wide = images[0].shape
    across = (width - GAP * (len(images) - 1)) // (wide * len(images))
    scale = max(1, min(across, 2 * height // tall))
    rows = -(-tall * scale // 2)
    grid = Grid(rows, len(images) * (wide * scale + GAP) - GAP)
    for place, image in enumerate(images):
        _draw(grid, place * (wide * scale + GAP), _enlarged(image, scale), ascii_only, grey)
    return grid.rows()


def _enlarged(image: Image, scale: int) -> Image:
    """Repeat pixels, and add a dark row if their number is odd."""
    large = np.kron(np.clip(np.nan_to_num(image), 0, 1), np.ones((scale, scale), np.float32))
    return np.asarray(np.pad(large, ((0, len(large) % 2), (0, 0))))


def _draw(grid: Grid, column: int, image: Image, ascii_only: bool, grey: bool) -> None:
    upper, lower = image[::2], image[1::2]
    part = slice(column, column + image.shape[1])
    if ascii_only:
        ramp = np.array([ord(character) for character in RAMP], np.uint32)
        places = np.minimum((upper + lower) / 2 * len(RAMP), len(RAMP) - 1).astype(int)
        grid.codes[:, part], grid.roles[:, part] = ramp[places], PLAIN
        return
    if grey:
        shades = [np.minimum(each * SHADES, SHADES - 1).astype(np.int16) for each in (upper, lower)]
        grid.codes[:, part] = ord(UPPER)
        grid.roles[:, part] = shades[0] * SHADES + shades[1]
        return
    blocks = np.array([ord(character) for character in PLAIN_BLOCKS], np.uint32)
    bright = [each > 0.5 for each in (upper, lower)]
    grid.codes[:, part] = blocks[2 * bright[0] + bright[1]]
