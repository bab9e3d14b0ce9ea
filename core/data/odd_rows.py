"""Which rows of a tracking file do not count, for a check that names them; reading only counts them."""

from pathlib import Path

import numpy as np
import pandas as pd

from core.data.parquet import read_columns
from core.data.tracking import COLUMNS, FARTHEST
from core.features.keypoints import slot_of


def odd_rows(path: Path, slots: tuple[str, ...], mice: tuple[int, ...]) -> dict[str, list[int]]:
    """Find the rows of one file that ``read_positions`` counted, by the check's code for them.

    Args:
        path: the parquet file.
        slots: body part of each keypoint index.
        mice: ids of the mice that have a slot.

    Raises:
        DataError: see ``read_columns``.
    """
    rows = read_columns(path, COLUMNS).to_pandas()
    size = rows[["x", "y"]].abs().max(axis=1, skipna=False)
    finite, near = np.isfinite(size), size <= FARTHEST
    slot = rows["bodypart"].map({part: slot_of(part, slots) for part in rows["bodypart"].unique()})
    used = rows[near & slot.notna() & rows["mouse_id"].isin(mice)]
    cells = pd.DataFrame(
        {"frame": used["video_frame"], "mouse": used["mouse_id"], "slot": slot[used.index]}
    )
    replaced = cells.index[cells.duplicated(keep="last")]
    return {
        "non_finite_points": np.flatnonzero(~finite).tolist(),
        "points_far_off": np.flatnonzero(finite & ~near).tolist(),
        "duplicate_rows": replaced.tolist(),
    }
