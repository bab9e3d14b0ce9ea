"""Mice drawn as skeletons in Braille dots: one frame of poses as rows of text with roles."""

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
"""Body parts that are joined, both flanks first; one that is not tracked is passed over. With the seven
MARS keypoints the flanks make a small diamond for the head and a large one for the body."""
CELL_ASPECT = 2.0
"""Height of a character over its width, in most terminals."""
FOLLOW_MARGIN, LOOSEST = 0.15, 2.0
"""Of a view that follows mice: room around them, of their extent; and how many times too large it may
become before it is tightened."""
LEAST_EXTENT = 1.0
"""Pixels; a view is never smaller."""


@dataclass(frozen=True)
class Skeleton:
    """Which keypoint indices are joined, in the order of each chain."""

    chains: tuple[NDArray[np.intp], ...]
    loose: NDArray[np.intp]
    """Keypoints of no chain, drawn as dots."""

    @classmethod
    def of(cls, slots: Sequence[str]) -> Self:
        """Choose the chains of :data:`CHAINS` that these keypoints (names by index) can draw."""
        index = {name: place for place, name in enumerate(slots)}
        chains = [[index[name] for name in chain if name in index] for chain in CHAINS]
        drawn = tuple(np.array(chain, np.intp) for chain in chains if len(chain) > 1)
        joined = {place for chain in chains if len(chain) > 1 for place in chain}
        return cls(drawn, np.array([i for i in index.values() if i not in joined], np.intp))

    def path(self, points: Points) -> NDArray[np.float64]:
        """Give one mouse as lines, broken by NaN.

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
class View:
    """The part of the picture that is shown, in pixels; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def holds(self, points: Points) -> bool:
        """Whether all points that are not missing lie inside."""
        low, high = _extent(points)
        return bool(
            (low >= (self.left, self.top)).all() and (high <= (self.right, self.bottom)).all()
        )


def arena_view(
    positions: Points, picture_width: float | None = None, picture_height: float | None = None
) -> View:
    """Show the whole picture, or where its size is not known, everywhere a mouse goes.

    Args:
        positions: ``(frames, mice, keypoints, 2)``; a sample of the frames will do.
        picture_width: of the video, in pixels.
        picture_height: likewise.
    """
    if picture_width and picture_height:
        return View(0.0, 0.0, float(picture_width), float(picture_height))
    return _around(positions, margin=0.02)


def follow_view(points: Points, previous: View | None = None) -> View:
    """Show the mice of one frame, with room around them, so that the picture does not jitter.

    Args:
        points: ``(mice, keypoints, 2)``, NaN where missing; of one mouse, to follow that one.
        previous: what was shown before; kept while all mice are in it and it is not much too large.
    """
    wanted = _around(points, FOLLOW_MARGIN)
    if previous is not None and not _seen(points).any():
        return previous
    if previous is None or not previous.holds(points):
        return wanted
    sizes = [max(v.right - v.left, v.bottom - v.top) for v in (previous, wanted)]
    return previous if sizes[0] <= LOOSEST * sizes[1] else wanted


def render_skeletons(
    points: Points,
    skeleton: Skeleton,
    width: int,
    height: int,
    view: View,
    *,
    labels: Sequence[str] = (),
    trail: Points | None = None,
    arena: View | None = None,
    ascii_only: bool = False,
) -> tuple[Row, ...]:
    """Draw the poses of one frame; nothing is stretched, whatever the size.

    Args:
        points: ``(mice, keypoints, 2)`` pixels, NaN where missing. A mouse's number is the role of its
            characters.
        skeleton: what is joined.
        width: characters a row, at least 1.
        height: rows, at least 1.
        view: what to show, centred.
        labels: a few characters for each mouse, written beside it; they tell mice apart without colour.
        trail: ``(frames, mice, 2)`` where each mouse was before, drawn faint.
        arena: outlined where it is in view.
        ascii_only: plain marks instead of Braille dots.

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
    grid = Grid(height, width)
    grid.codes, grid.roles = canvas.codes(), canvas.owner
    if ascii_only:
        grid.codes[(grid.roles == AXIS) & (grid.codes != ord(" "))] = ord(".")
    _write_labels(grid, canvas, projection, points, labels)
    return grid.rows()


def centres(points: Points) -> NDArray[np.float64]:
    """Give the middle of each mouse: ``(..., mice, keypoints, 2)`` → ``(..., mice, 2)``.

    The mean of the points that are not missing; NaN where all are.
    """
    seen = _seen(points)[..., None]
    count = seen.sum(axis=-2)
    total = np.where(seen, points, 0.0).sum(axis=-2)
    middle = np.full(total.shape, np.nan)
    np.divide(total, count, out=middle, where=count > 0)
    return middle


@dataclass(frozen=True)
class _Projection:
    """Pixels → dots: one scale for both axes, the view in the middle of the canvas."""

    scale: NDArray[np.float64]
    shift: NDArray[np.float64]

    @classmethod
    def onto(cls, canvas: Canvas, view: View) -> Self:
        low, high = np.array([view.left, view.top]), np.array([view.right, view.bottom])
        # how many times as high as wide a dot is
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
    """Write each label where nothing is drawn: above its mouse, else below, left or right of it."""
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
    """``(..., 2)`` → ``(...)``: which points are not missing."""
    seen: NDArray[np.bool_] = np.isfinite(points[..., 0]) & np.isfinite(points[..., 1])
    return seen


def _outline(view: View) -> NDArray[np.float64]:
    x0, y0, x1, y1 = view.left, view.top, view.right, view.bottom
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])


def _extent(points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and greatest x and y of the points that are not missing; 0 where all are."""
    flat = points.reshape(-1, 2)
    flat = flat[_seen(flat)].astype(np.float64)
    return (flat.min(axis=0), flat.max(axis=0)) if len(flat) else (np.zeros(2), np.zeros(2))


def _around(points: Points, margin: float) -> View:
    low, high = _extent(points)
    room = max(margin * float((high - low).max()), LEAST_EXTENT)
    return View(*(low - room).tolist(), *(high + room).tolist())
