"""Mice drawn as skeletons in Braille dots: the poses of one frame as rows of text with roles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mabe_tui.plotting.braille import Canvas
from mabe_tui.plotting.grid import AXIS, Grid, Row

Points = NDArray[np.floating]

CHAINS: tuple[tuple[str, ...], ...] = (
    ("nose", "ear_left", "neck", "lateral_left", "hip_left", "tail_base"),
    ("nose", "ear_right", "neck", "lateral_right", "hip_right", "tail_base"),
    ("tail_base", "tail_midpoint", "tail_tip"),
    ("lateral_left", "forepaw_left"),
    ("lateral_right", "forepaw_right"),
    ("hip_left", "hindpaw_left"),
    ("hip_right", "hindpaw_right"),
)
"""Connected body parts, both flanks first; untracked parts are skipped. With the seven
MARS keypoints the flanks make a small diamond for the head and a large one for the body."""
NOSE = "nose"
CELL_ASPECT = 2.0
"""Height of a character divided by its width, in most terminals."""
FOLLOW_MARGIN, LOOSEST = 0.15, 2.5
"""For a view that follows mice: margin on each side, as a share of their extent; and the factor by which it
may become too large before it is tightened."""
_CROSS = np.array([[-1, 1, np.nan, 0, 0], [0, 0, np.nan, -1, 1]])
"""Free dots around the nose, columns and rows."""
LEAST_EXTENT = 1.0
"""Minimum size of a view in pixels."""


@dataclass(frozen=True)
class Skeleton:
    """Connected keypoint indices, in the order of each chain."""

    chains: tuple[NDArray[np.intp], ...]
    loose: NDArray[np.intp]
    """Keypoints outside all chains, drawn as dots."""
    nose: int | None = None
    """Drawn thick, to show at a glance which way a mouse looks."""

    @classmethod
    def of(cls, slots: Sequence[str], connected: Sequence[Sequence[str]] = ()) -> Self:
        """Choose the parts of chains that these keypoints (names by index) can draw.

        Args:
            slots: names of the keypoints.
            connected: the chains; :data:`CHAINS` if there are none.
        """
        index = {name: place for place, name in enumerate(slots)}
        chains = [[index[name] for name in chain if name in index] for chain in connected or CHAINS]
        drawn = tuple(np.array(chain, np.intp) for chain in chains if len(chain) > 1)
        joined = {place for chain in chains if len(chain) > 1 for place in chain}
        loose = np.array([i for i in index.values() if i not in joined], np.intp)
        return cls(drawn, loose, index.get(NOSE))

    def path(self, points: Points) -> NDArray[np.float64]:
        """Return one mouse as lines, broken by NaN.

        Args:
            points: ``(keypoints, 2)``, NaN where missing.

        Returns:
            ``(vertices, 2)``.
        """
        seen = _seen(points)
        gap = np.full((1, 2), np.nan)
        pieces = [piece for chain in self.chains for piece in (points[chain[seen[chain]]], gap)]
        dots = np.full((2 * len(self.loose), 2), np.nan)
        dots[::2] = points[self.loose]
        return np.concatenate([*pieces, dots]) if pieces else dots


@dataclass(frozen=True)
class ArenaView:
    """The visible part of the picture, in pixels; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float


def arena_view(
    positions: Points, picture_width: float | None = None, picture_height: float | None = None
) -> ArenaView:
    """Show the whole picture, or if its size is unknown, everywhere that a mouse goes.

    Args:
        positions: ``(frames, mice, keypoints, 2)``; a sample of the frames is enough.
        picture_width: of the video, in pixels.
        picture_height: likewise.
    """
    if picture_width and picture_height:
        return ArenaView(0.0, 0.0, float(picture_width), float(picture_height))
    return _around(positions, margin=0.02)


def follow_view(
    points: Points,
    previous: ArenaView | None = None,
    *,
    aspect: float = 1.0,
    margin: float = FOLLOW_MARGIN,
) -> ArenaView:
    """Show the mice of one frame with a margin, moving the view as little as possible.

    The scale stays while the mice fit and do not become much too small, and the view moves no
    further than they walk: a view computed anew for each frame would jitter.

    Args:
        points: ``(mice, keypoints, 2)``, NaN where missing; pass one mouse to follow it alone.
        previous: the previous view, of the same ``aspect``.
        aspect: apparent width of the picture divided by its height.
        margin: space on each side, as a share of the mice's extent.
    """
    if previous is not None and not _seen(points).any():
        return previous
    low, high = _extent(points)
    shape = np.array([aspect, 1.0])
    needed = max(float(((high - low) / shape).max()), LEAST_EXTENT)
    wanted = needed * (1 + 2 * margin)
    if previous is None:
        return _centred((low + high) / 2, wanted * shape)
    size = previous.bottom - previous.top
    if size < needed or size > LOOSEST * wanted:
        return _centred((low + high) / 2, wanted * LOOSEST**0.5 * shape)
    room = np.minimum(margin / 2 * needed, (size * shape - (high - low)) / 2)
    corner = np.array([previous.left, previous.top])
    corner = np.clip(corner, high + room - size * shape, low - room)
    return ArenaView(*corner.tolist(), *(corner + size * shape).tolist())


def render_skeletons(
    points: Points,
    skeleton: Skeleton,
    width: int,
    height: int,
    view: ArenaView,
    *,
    labels: Sequence[str] = (),
    trail: Points | None = None,
    arena: ArenaView | None = None,
    ascii_only: bool = False,
) -> tuple[Row, ...]:
    """Draw the poses of one frame, without distortion at any size.

    Args:
        points: ``(mice, keypoints, 2)`` pixels, NaN where missing. A mouse's index is the role of its
            characters.
        skeleton: the connected keypoints.
        width: characters per row, at least 1.
        height: rows, at least 1.
        view: visible part of the picture, centred.
        labels: a few characters beside each mouse, which distinguish mice without colour.
        trail: ``(frames, mice, 2)`` earlier positions of each mouse, drawn faintly.
        arena: outlined if it is in view.
        ascii_only: ASCII marks instead of Braille dots.

    Returns:
        ``height`` rows of ``width`` characters.

    Raises:
        ValueError: a size below 1.
    """
    if width < 1 or height < 1:
        raise ValueError(f"a picture of {width} × {height} characters cannot be drawn")
    canvas = Canvas(width, height, ascii_only=ascii_only)
    projection = _Projection.onto(canvas, view)
    if arena is not None:
        canvas.line(*projection(_outline(arena)), AXIS)
    if trail is not None:
        for mouse in range(trail.shape[1]):
            canvas.line(*projection(trail[:, mouse]), mouse, "faint")
    for mouse, body in enumerate(points):
        canvas.line(*projection(skeleton.path(body)), mouse)
        if skeleton.nose is not None and not ascii_only:
            x, y = projection(body[skeleton.nose])
            canvas.line(x + _CROSS[0], y + _CROSS[1], mouse)
    grid = Grid(height, width)
    grid.codes, grid.roles = canvas.codes(), canvas.owner
    if ascii_only:
        grid.codes[(grid.roles == AXIS) & (grid.codes != ord(" "))] = ord(".")
    _write_labels(grid, canvas, projection, points, labels)
    return grid.rows()


def centres(points: Points) -> NDArray[np.float64]:
    """Return the centre of each mouse: ``(..., mice, keypoints, 2)`` → ``(..., mice, 2)``.

    The mean of the points that are not missing; NaN if all are.
    """
    seen = _seen(points)[..., None]
    count = seen.sum(axis=-2)
    total = np.where(seen, points, 0.0).sum(axis=-2)
    middle = np.full(total.shape, np.nan)
    np.divide(total, count, out=middle, where=count > 0)
    return middle


@dataclass(frozen=True)
class _Projection:
    """Map pixels to dots: one scale for both axes, with the view in the middle of the canvas."""

    scale: NDArray[np.float64]
    shift: NDArray[np.float64]

    @classmethod
    def onto(cls, canvas: Canvas, view: ArenaView) -> Self:
        low, high = np.array([view.left, view.top]), np.array([view.right, view.bottom])
        # height of a dot divided by its width
        aspect = CELL_ASPECT * canvas.cell_width / canvas.cell_height
        dots = np.array([canvas.width - 1, (canvas.height - 1) * aspect])
        fit = (np.maximum(dots, 1) / np.maximum(high - low, LEAST_EXTENT)).min()
        scale = fit * np.array([1.0, 1 / aspect])
        middle = np.array([canvas.width - 1, canvas.height - 1]) / 2
        return cls(scale, middle - scale * (low + high) / 2)

    def __call__(self, points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        x, y = (points * self.scale + self.shift).T
        return x, y


def _write_labels(
    grid: Grid, canvas: Canvas, projection: _Projection, points: Points, labels: Sequence[str]
) -> None:
    """Write each label in an empty place: above its mouse, else below, left or right of it."""
    for mouse, (label, body) in enumerate(zip(labels, points, strict=False)):
        if not _seen(body).any():
            continue
        (x0, y0), (x1, y1) = np.transpose(projection(np.array(_extent(body)))).tolist()
        top, bottom = int(y0) // canvas.cell_height, int(y1) // canvas.cell_height
        first, last = int(x0) // canvas.cell_width, int(x1) // canvas.cell_width
        row, column = (top + bottom) // 2, (first + last + 1 - len(label)) // 2
        places = ((top - 1, column), (bottom + 1, column), (row, first - 2), (row, last + 2))
        for at, start in places:
            if all(grid.blank(at, start + offset) for offset in range(len(label))):
                grid.put(at, start, label, mouse)
                break


def _seen(points: Points) -> NDArray[np.bool_]:
    """Return which points are not missing: ``(..., 2)`` → ``(...)``."""
    seen: NDArray[np.bool_] = np.isfinite(points[..., 0]) & np.isfinite(points[..., 1])
    return seen


def _outline(view: ArenaView) -> NDArray[np.float64]:
    x0, y0, x1, y1 = view.left, view.top, view.right, view.bottom
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])


def _extent(points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return least and greatest x and y of the points that are not missing; 0 if all are."""
    flat = points.reshape(-1, 2)
    flat = flat[_seen(flat)].astype(np.float64)
    return (flat.min(axis=0), flat.max(axis=0)) if len(flat) else (np.zeros(2), np.zeros(2))


def _centred(middle: NDArray[np.float64], size: NDArray[np.float64]) -> ArenaView:
    return ArenaView(*(middle - size / 2).tolist(), *(middle + size / 2).tolist())


def _around(points: Points, margin: float) -> ArenaView:
    low, high = _extent(points)
    room = max(margin * float((high - low).max()), LEAST_EXTENT)
    return ArenaView(*(low - room).tolist(), *(high + room).tolist())
