"""Find the ignored rows of a tracking file, for a check that lists them; reading only counts them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.data.keypoints import slot_of
from core.data.parquet import numbers, read_columns, texts
from core.data.tracking import COLUMNS, is_near


def odd_rows(path: Path, slots: tuple[str, ...], mice: tuple[int, ...]) -> dict[str, list[int]]:
    """Find the rows of one file that ``read_positions`` counted, by the check's code for each problem.

    Args:
        path: the parquet file.
        slots: body part of each keypoint index.
        mice: ids of the mice that have a slot.

    Raises:
        DataError: see ``read_columns``.
    """
    rows = read_columns(path, COLUMNS)
    frame, mouse, x, y = (numbers(rows[name]) for name in ("video_frame", "mouse_id", "x", "y"))
    finite, near = np.isfinite(x) & np.isfinite(y), is_near(x) & is_near(y)
    parts, code = np.unique(texts(rows["bodypart"]), return_inverse=True)
    slot = np.array([-1 if (s := slot_of(part, slots)) is None else s for part in parts])[code]
    placed = near & (slot >= 0) & np.isin(mouse, mice)
    used = np.flatnonzero(placed)
    return {
        "non_finite_points": np.flatnonzero(~finite).tolist(),
        "points_far_off": np.flatnonzero(finite & ~near).tolist(),
        "points_at_origin": np.flatnonzero(placed & (x == 0) & (y == 0)).tolist(),
        "duplicate_rows": used[_repeated(np.stack([frame, mouse, slot], axis=1)[used])].tolist(),
    }


def _repeated(cells: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which of ``(rows, keys)`` occur again further down."""
    repeated = np.ones(len(cells), dtype=np.bool_)
    _, last = np.unique(cells[::-1], axis=0, return_index=True)
    repeated[len(cells) - 1 - last] = False
    return repeated
